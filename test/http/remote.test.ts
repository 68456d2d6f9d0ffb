import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callRemote, type RemoteOptions } from '../../src/http/client.ts';
import { followRemote } from '../../src/http/follow.ts';
import { baseUrl, connectionTo } from '../../src/http/remote.ts';
import { admitJob } from '../../src/service/jobs.ts';
import { createToken, whoami } from '../../src/service/tokens.ts';
import { createTenant } from '../../src/service/tenants.ts';
import { refusal } from '../helpers/refusal.ts';
import { startTlsFront, type TlsFront } from '../helpers/tls-front.ts';
import { startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
let front: TlsFront;
let token: string;

beforeEach(async () => {
  server = await startTestServer();
  front = await startTlsFront(server.url);
  const created = await server.behind.call(createToken, { name: 'ana', role: 'admin' });
  token = String(created.secret);
});
afterEach(async () => {
  await front.stop();
  await server.stop();
});

const askWhoIAm = (remote: RemoteOptions) => callRemote(remote)(whoami, {});

/** The sequence number with which a stream opens. */
async function firstOfStream(remote: RemoteOptions): Promise<number | undefined> {
  const steps = followRemote(remote)({}, new AbortController().signal);
  try {
    const first = await steps.next();
    return first.done === true ? undefined : first.value.last;
  } finally {
    await steps.return(undefined);
  }
}

describe('a token', () => {
  it('says who asks, also who follows', async () => {
    expect(await askWhoIAm({ url: server.url, token })).toMatchObject({ principal: 'ana' });
    expect(await firstOfStream({ url: server.url, token })).toBeGreaterThan(0);
  });

  it('that is missing is answered with the command by which one logs in there', async () => {
    const hint = `Log in there: hodei login --server ${server.url}`;
    const expected = { code: 'unauthenticated', hint };
    expect(await refusal(askWhoIAm({ url: server.url }))).toMatchObject(expected);
    expect(await refusal(firstOfStream({ url: server.url }))).toMatchObject(expected);
  });

  it.each([
    'http://hodei.example',
    'http://192.0.2.1:8080',
    'http://[2001:db8::1]',
    'http://localhost.example',
    'http://128.0.0.1',
    'http://0.0.0.0:1',
  ])('is not sent to %s, not even to try', async (url) => {
    expect(() => connectionTo({ url, token })).toThrow(/^A token is not sent to/);
    expect(() => connectionTo({ url })).not.toThrow();
  });

  it.each(['http://127.0.0.1', 'http://localhost:1', 'http://[::1]:1', 'https://hodei.example'])(
    'may be sent to %s',
    (url) => {
      expect(() => connectionTo({ url, token })).not.toThrow();
    },
  );
});

describe('a server behind TLS', () => {
  it('is trusted by the authority that is given, for calls and for streams', async () => {
    const remote = { url: front.url, token, ca: front.certificate };
    expect(await askWhoIAm(remote)).toMatchObject({ principal: 'ana' });
    expect(await firstOfStream(remote)).toBeGreaterThan(0);
    const acme = { name: 'acme', email: 'ops@acme.example' };
    expect(await callRemote(remote)(createTenant, acme)).toMatchObject({ name: 'acme' });
  });

  it('that nobody vouches for is not asked, and nothing was done', async () => {
    const other = await startTlsFront(server.url);
    for (const ca of [undefined, other.certificate]) {
      const call = callRemote({ url: front.url, token, ca });
      const acme = { name: 'acme', email: 'ops@acme.example' };
      expect(await refusal(call(createTenant, acme))).toMatchObject({
        code: 'unavailable',
        hint: `If you trust it, say by which authority: hodei login --server ${front.url} --ca FILE`,
      });
    }
    await other.stop();
  });

  it('is not another one of the same authority', async () => {
    const elsewhere = front.url.replace('127.0.0.1', '127.0.0.2');
    const error = await refusal(askWhoIAm({ url: elsewhere, token, ca: front.certificate }));
    expect(error.code).toBe('unavailable');
  });
});

describe('a client that asks too often', () => {
  it('is told so, also where the same status has another meaning', async () => {
    const limited = await startTestServer({
      rateLimiting: { enabled: true, requestsPerSecond: 1, failuresPerMinute: 1 },
    });
    const created = await limited.behind.call(createToken, { name: 'ana', role: 'admin' });
    const call = callRemote({ url: limited.url, token: String(created.secret) });
    const codes = new Set<string>();
    for (let i = 0; i < 10; i++) {
      codes.add((await refusal(call(admitJob, { tenant: 'nobody', cpu_m: 1 }))).code);
    }
    await limited.stop();
    expect(codes).toContain('rate_limited');
  });
});

describe('the URL of a server', () => {
  it('with a password is refused without repeating it', () => {
    expect(() => baseUrl('http://ana:geheim@127.0.0.1/?x')).toThrow(/must not contain a password/);
  });
});
