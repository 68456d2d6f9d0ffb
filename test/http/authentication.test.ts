import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databaseError, unavailable } from '../../src/domain/errors.ts';
import type { Service } from '../../src/service/call.ts';
import { createAuthentication } from '../../src/http/authentication.ts';
import { findKnownToken } from '../../src/service/token-identity.ts';
import { createToken, listTokens, revokeToken } from '../../src/service/tokens.ts';
import { testService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';
import {
  ask as askPort,
  eventually,
  parseReply,
  sendRaw,
  startTestServer,
  type Answer,
  type Ask,
  type TestServer,
} from './helpers.ts';

let server: TestServer;
/** Of an unbound admin. */
let secret: string;

beforeEach(async () => {
  server = await startTestServer();
  secret = await newToken('root', 'admin');
});
afterEach(() => server.stop());

const PATH = '/api/v1/tenants';
const NONE = 'This server wants a token, and there is none.';
const NOT_OURS = 'The header Authorization holds no token of hodei.';
const UNKNOWN = 'Nobody here has given this token out.';

async function newToken(name: string, role: 'admin' | 'viewer' | 'agent', more = {}) {
  const made = await server.behind.call(createToken, { name, role, ...more });
  return made.secret ?? '';
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const askAs = (token: string, path = PATH, more: Ask = {}): Promise<Answer> =>
  server.ask(path, { ...more, headers: { ...bearer(token), ...more.headers } });

function expectRefused({ status, headers, body }: Answer, error: string): void {
  expect({ status, error: body['error'], code: body['code'] }).toEqual({
    ...{ status: 401, error, code: 'unauthenticated' },
  });
  expect(headers['www-authenticate']).toBe('Bearer realm="hodei"');
}

/** All that a client gets, but for what is another one with each request. */
function bytesOf({ status, headers, text }: Answer): object {
  const { date: _date, 'x-trace-id': trace, ...rest } = headers;
  return { status, rest, text: text.replaceAll(String(trace), '') };
}

describe('a token', () => {
  it('lets in who sends it', async () => {
    expect((await askAs(secret)).status).toBe(200);
    const { body } = await askAs(secret, '/api/v1/whoami');
    expect(body).toMatchObject({ principal: 'root', role: 'admin', token: { name: 'root' } });
  });

  it('is wanted where there is none', async () => {
    expectRefused(await server.ask(PATH), NONE);
  });

  it.each([
    ...[
      '',
      ' ',
      'Bearer',
      'Bearer ',
      'Basic cm9vdDpyb290',
      'Digest username="root"',
      'Negotiate x',
    ],
    ...['Bearer x', 'Bearer hod_', 'Bearer hod_a_b', 'Bearer null', 'Bearer undefined'],
    'Bearer "TOKEN"',
    ...['TOKEN', 'Token TOKEN', 'BearerTOKEN', 'Bearer\tTOKEN', 'Bearer TOKEN,', 'Bearer=TOKEN'],
    ...['Bearer TOKEN TOKEN', 'Bearer TOKEN, Bearer TOKEN', 'Basic x, Bearer TOKEN'],
    ...['Bearer UPPER', 'Bearer TOKENTOKEN', 'Bearer TOKEN%00', 'Bearer TOKEN\u00a0'],
    'Bearer TOKEN-CUT',
    `Bearer ${'x'.repeat(8_000)}`,
    `Bearer${' '.repeat(4_000)}x`,
  ])('is none in the header %.40j', async (written) => {
    const authorization = written
      .replaceAll('TOKEN-CUT', secret.slice(0, -1))
      .replaceAll('UPPER', secret.toUpperCase())
      .replaceAll('TOKEN', secret);
    const answer = await server.ask(PATH, { headers: { authorization } });
    expectRefused(answer, NOT_OURS);
  });

  it.each(['bearer', 'BEARER', 'Bearer  '])(
    'may be sent as %j, as schemes are written',
    async (scheme) => {
      const headers = { authorization: `${scheme} ${secret}  ` };
      expect((await server.ask(PATH, { headers })).status).toBe(200);
    },
  );

  it('that nobody knows and the wrong secret of one that is known are told the same', async () => {
    const [, id = '', right = ''] = secret.split('_');
    const wrong = `hod_${id}_${'0'.repeat(right.length)}`;
    const unknown = `hod_${'0'.repeat(id.length)}_${right}`;
    const answers = [await askAs(wrong), await askAs(unknown), await askAs(wrong)];
    for (const answer of answers) expectRefused(answer, UNKNOWN);
    expect(bytesOf(answers[0]!)).toEqual(bytesOf(answers[1]!));
    expect((await askAs(secret)).status).toBe(200);
  });

  it('of somebody else with a part of the right secret is none', async () => {
    const other = await newToken('other', 'viewer');
    const [kind, id] = secret.split('_');
    expectRefused(await askAs(`${kind}_${id}_${other.split('_')[2]}`), UNKNOWN);
    const [start, end] = [secret.slice(0, -32), other.slice(-32)];
    expectRefused(await askAs(start + end), UNKNOWN);
  });

  it('that was revoked or has expired is told so, and only to who has it', async () => {
    const brief = await newToken('brief', 'viewer', { ttl_seconds: 60 });
    const gone = await newToken('gone', 'viewer');
    expect((await askAs(brief)).status).toBe(200);
    server.behind.clock.advance(60_000);
    await askAs(secret, '/api/v1/tokens/gone/revoke', { method: 'POST' });
    expectRefused(await askAs(brief), 'The token brief is expired.');
    expectRefused(await askAs(gone), 'The token gone is revoked.');
    expectRefused(await askAs(gone.slice(0, -1) + (gone.endsWith('0') ? '1' : '0')), UNKNOWN);
  });

  it('is dead with the answer to its own revocation', async () => {
    expect((await askAs(secret, '/api/v1/tokens/root/revoke', { method: 'POST' })).status).toBe(
      200,
    );
    expectRefused(await askAs(secret), 'The token root is revoked.');
  });

  it('is dead, however often it comes and goes', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const body = { name: 'short', role: 'viewer' };
      const made = await askAs(secret, '/api/v1/tokens', { method: 'POST', body });
      const short = String(made.body['secret']);
      expect((await askAs(short)).status).toBe(200);
      await askAs(secret, '/api/v1/tokens/short/revoke', { method: 'POST' });
      expectRefused(await askAs(short), 'The token short is revoked.');
    }
  });

  it('is one only in its header', async () => {
    for (const name of ['token', 'access_token', 'authorization', 'api_key']) {
      expectRefused(await server.ask(`${PATH}?${name}=${secret}`), NONE);
    }
    const headers = {
      cookie: `token=${secret}`,
      'x-api-key': secret,
      'proxy-authorization': `Bearer ${secret}`,
    };
    expectRefused(await server.ask(PATH, { headers }), NONE);
    expectRefused(
      await server.ask(PATH, { method: 'POST', body: { authorization: secret } }),
      NONE,
    );
    const url = `http://root:${secret}@localhost${PATH}`;
    const reply = await sendRaw(
      server.port,
      `GET ${url} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    expect(parseReply(reply).status).toBeGreaterThanOrEqual(400);
  });

  it('is the first one of two headers', async () => {
    const get = (...tokens: string[]) =>
      sendRaw(
        server.port,
        `GET ${PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n` +
          `${tokens.map((token) => `Authorization: Bearer ${token}\r\n`).join('')}\r\n`,
      );
    expect(parseReply(await get('hod_x', secret)).status).toBe(401);
    expect(await get(secret, 'hod_x')).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('without a token', () => {
  it.each([
    ...['/', '/nowhere', '/api', '/api/v1', '/api/v1/nowhere', '/tenants', '/metrics', '/.env'],
    ...['/api/docs', '/api/docs/', '/api/docs/static/index.html', '/api/openapi.json'],
    ...[
      '/api/v1/tenants/',
      '/api/v1/tenants/x',
      '/healthz/',
      '/healthz/x',
      '/HEALTHZ',
      '//healthz',
    ],
    ...['/api/v1/events', '/api/v1/quotas/check'],
  ])('nobody hears what is at %s', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const headers = method === 'POST' ? { accept: 'text/event-stream' } : {};
      const { status } = await server.ask(path, { method, headers });
      expect([method, status]).toEqual([method, 401]);
    }
  });

  it('a stream is none', async () => {
    const headers = { accept: 'text/event-stream' };
    expectRefused(await server.ask('/api/v1/events', { headers }), NONE);
  });

  it('the probes are answered, whatever else is sent', async () => {
    for (const path of ['/healthz', '/readyz', '/healthz?x=1']) {
      for (const headers of [{}, bearer('nonsense'), bearer(secret)]) {
        expect((await server.ask(path, { headers })).status).toBe(200);
      }
      expect((await server.ask(path, { method: 'HEAD' })).status).toBe(200);
      expect((await server.ask(path, { method: 'POST' })).status).toBe(401);
    }
  });

  it('no body is read', async () => {
    const body = '{'.repeat(60_000);
    expectRefused(await server.ask(PATH, { method: 'POST', body }), NONE);
    const headers = { 'content-type': 'text/plain' };
    expectRefused(await server.ask(PATH, { method: 'POST', headers, body }), NONE);
  });

  it.each([
    ['TRACE', `TRACE ${PATH} HTTP/1.1\r\nhost: localhost\r\n`],
    ['CONNECT', `CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n`],
    ['the whole URL', `GET http://localhost${PATH} HTTP/1.1\r\nhost: localhost\r\n`],
    ['HTTP/1.0', `GET ${PATH} HTTP/1.0\r\n`],
    ['an encoded path', 'GET /api/v1/%74enants HTTP/1.1\r\nhost: localhost\r\n'],
    ['dots', 'GET /healthz/../api/v1/tenants HTTP/1.1\r\nhost: localhost\r\n'],
    ['encoded dots', 'GET /healthz/%2e%2e/api/v1/tenants HTTP/1.1\r\nhost: localhost\r\n'],
    ['a fragment', 'GET /healthz#/../api/v1/tenants HTTP/1.1\r\nhost: localhost\r\n'],
    ['a semicolon', 'GET /healthz;/../api/v1/tenants HTTP/1.1\r\nhost: localhost\r\n'],
  ])('nothing is told to %s', async (_what, head) => {
    await makeTenant(server.behind.call, 'acme');
    const reply = await sendRaw(server.port, `${head}connection: close\r\n\r\n`);
    expect(reply).not.toContain('acme');
    expect(reply).not.toMatch(/^HTTP\/1.[01] 2\d\d (?!OK\r\n[^]*"status":"ok")/);
  });

  it('only the question that a browser asks beforehand is answered, where origins are configured', async () => {
    const open = await startTestServer({ corsOrigins: ['https://ui.example'] });
    onTestFinished(() => open.stop());
    await open.behind.call(createToken, { name: 'root', role: 'admin' });
    const origin = { origin: 'https://ui.example' };
    const preflight = await open.ask(PATH, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.text]).toEqual([204, '']);
    const get = await open.ask(PATH, { headers: origin });
    expectRefused(get, NONE);
  });
});

describe('a server', () => {
  it('is open until there is a token, and never again', async () => {
    const open = await startTestServer();
    onTestFinished(() => open.stop());
    expect((await open.ask(PATH)).status).toBe(200);
    expectRefused(await open.ask(PATH, { headers: bearer(secret) }), UNKNOWN);
    expectRefused(await open.ask(PATH, { headers: { authorization: 'Basic x' } }), NOT_OURS);
    const body = { name: 'root', role: 'admin' };
    const made = await open.ask('/api/v1/tokens', { method: 'POST', body });
    expectRefused(await open.ask(PATH), NONE);
    const headers = bearer(String(made.body['secret']));
    await open.ask('/api/v1/tokens/root/revoke', { method: 'POST', headers });
    expectRefused(await open.ask(PATH), NONE);
  });

  it('is not closed by a dry run, which tells no secret', async () => {
    const open = await startTestServer();
    onTestFinished(() => open.stop());
    const body = { name: 'root', role: 'admin' };
    const made = await open.ask('/api/v1/tokens?dry_run=true', { method: 'POST', body });
    expect(made.body['secret']).toBeNull();
    expect((await open.ask(PATH)).status).toBe(200);
  });

  it.each([
    ['does not answer', unavailable('The database does not answer.')],
    ['is broken', databaseError('disk I/O error')],
    ['has a fault', new TypeError('x is not a function')],
  ])('lets nobody in when the database %s', async (_how, thrown) => {
    let isBroken = false;
    const behind = await testService();
    onTestFinished(() => behind.close());
    const service: Service = (...call) =>
      isBroken ? Promise.reject(thrown) : behind.service(...call);
    const authentication = createAuthentication(service, () => '0');
    onTestFinished(() => authentication.close());
    const { secret: own } = await behind.call(createToken, { name: 'a', role: 'viewer' });
    expect(await authentication.identify(`Bearer ${own}`)).toMatchObject({ principal: 'a' });
    authentication.forget();
    isBroken = true;
    for (const header of [undefined, `Bearer ${own}`, `Bearer ${secret}`]) {
      await expect(authentication.identify(header)).rejects.toBe(thrown);
    }
    expect(authentication.isKnown(`Bearer ${own}`)).toBe(true);
    isBroken = false;
    expect(await authentication.identify(`Bearer ${own}`)).toMatchObject({ principal: 'a' });
    await expect(authentication.identify(undefined)).rejects.toThrow(NONE);
  });

  it('answers 503 to who sends a token while nobody can be looked up', async () => {
    const port = await startWithBrokenLookups();
    for (const headers of [{}, bearer(secret)]) {
      const { status, headers: sent, body } = await askPort(port, PATH, { headers });
      expect([status, body['code'], sent['retry-after']]).toEqual([503, 'unavailable', '1']);
    }
    expect((await askPort(port, '/healthz')).status).toBe(200);
  });

  it('logs who asked by which token, and never its secret', async () => {
    const { id } = (await server.behind.call(listTokens, {})).items[0]!;
    await askAs(secret, `${PATH}?name_prefix=a`);
    await server.ask(`${PATH}?token=${secret}`);
    await server.ask(PATH, { headers: { authorization: `Basic ${secret}` } });
    await eventually(() => server.lines.length === 3);
    expect(JSON.parse(server.lines[0]!)).toMatchObject({ principal: 'root', token: id });
    const text = server.lines.join('');
    expect(text).not.toContain(secret.slice(-64));
    expect(text).not.toContain(secret.slice(-32));
  });

  it('notes at its end when tokens were used, and of nobody who was refused', async () => {
    const idle = await newToken('idle', 'viewer');
    await askAs(secret);
    await askAs(idle.slice(0, -1) + (idle.endsWith('0') ? '1' : '0'));
    await server.close();
    const { items } = await server.behind.call(listTokens, {});
    expect(items.map(({ name, last_used_at: used }) => [name, used])).toEqual([
      ['root', '2026-11-23T09:00:00.000Z'],
      ['idle', null],
    ]);
  });

  it('does not bring a revoked token back to life by noting its use', async () => {
    await askAs(secret);
    await server.behind.call(revokeToken, { token: 'root' });
    await server.close();
    const [token] = (await server.behind.call(listTokens, { revoked: true })).items;
    expect(token).toMatchObject({ state: 'revoked', last_used_at: '2026-11-23T09:00:00.000Z' });
  });
});

/** A real server whose service cannot say of a token what it is. */
async function startWithBrokenLookups(): Promise<number> {
  const { startServer } = await import('../../src/http/server.ts');
  const { onThisMachine } = await import('../helpers/server.ts');
  const { service } = server.behind;
  const broken = await startServer({
    ...{ host: '127.0.0.1', port: 0, allowedHosts: [], corsOrigins: [], version: '0.0.0' },
    ...{ ...onThisMachine, logLevel: 'silent', log: { write: () => undefined } },
    checkReady: async () => undefined,
    newTraceId: () => '0',
    service: (operation, input, caller) =>
      operation.name === findKnownToken.name
        ? Promise.reject(unavailable('The database does not answer.'))
        : service(operation, input, caller),
  });
  onTestFinished(() => broken.close());
  return Number(new URL(broken.url).port);
}

describe('what is remembered of tokens', () => {
  it('is asked for once for many who come together, and again after a change', async () => {
    const behind = await testService();
    onTestFinished(() => behind.close());
    const { secret: own } = await behind.call(createToken, { name: 'a', role: 'viewer' });
    let looks = 0;
    const authentication = createAuthentication(
      (operation, input, caller) => {
        looks += 1;
        return behind.service(operation, input, caller);
      },
      () => '0',
    );
    onTestFinished(() => authentication.close());
    const header = `Bearer ${own}`;
    await Promise.all(Array.from({ length: 50 }, () => authentication.identify(header)));
    expect(looks).toBe(1);
    authentication.forget();
    await authentication.identify(header);
    expect(looks).toBe(2);
  });

  it('outlives ten thousand invented ones and a change, for a token that is real', async () => {
    const behind = await testService();
    onTestFinished(() => behind.close());
    const { secret: own } = await behind.call(createToken, { name: 'a', role: 'viewer' });
    const authentication = createAuthentication(behind.service, () => '0');
    onTestFinished(() => authentication.close());
    const header = `Bearer ${own}`;
    await authentication.identify(header);
    const [, id = '', part = ''] = (own ?? '').split('_');
    for (let count = 0; count < 10_100; count += 1) {
      const invented = `hod_${String(count).padStart(id.length, '0')}_${part}`;
      await expect(authentication.identify(`Bearer ${invented}`)).rejects.toThrow(UNKNOWN);
      expect(authentication.isKnown(`Bearer ${invented}`)).toBe(false);
    }
    expect(authentication.isKnown(header)).toBe(true);
    authentication.forget();
    expect(authentication.isKnown(header)).toBe(true);
  });
});
