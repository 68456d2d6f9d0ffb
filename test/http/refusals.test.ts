import { Agent, request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import { createRateLimits } from '../../src/http/rate-limits.ts';
import { createRefusals } from '../../src/http/refusals.ts';
import { createToken } from '../../src/service/tokens.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';
import { eventually, startTestServer, type TestServer } from './helpers.ts';

const PATH = '/api/v1/tenants';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const limiting = { enabled: true, requestsPerSecond: 1_000, failuresPerMinute: 5 };

let server: TestServer;

async function start(overrides: object = {}): Promise<void> {
  server = await startTestServer({ rateLimiting: limiting, ...overrides });
  onTestFinished(() => server.stop());
}

async function newToken(name: string, role: 'admin' | 'viewer' | 'agent', more = {}) {
  const made = await server.behind.call(createToken, { name, role, ...more });
  return made.secret ?? '';
}

async function refusals({ events }: Pick<TestService, 'events'>) {
  const refused = (await events()).filter(({ operation }) => operation === 'token.refuse');
  return refused.map(({ principal, tenant, object, after }) => ({
    ...{ principal, tenant, object },
    ...(JSON.parse(after ?? '{}') as { asked: string; times: number; address: string }),
  }));
}

describe('a token that asks too often', () => {
  it('waits, while others go on', async () => {
    await start({ rateLimiting: { ...limiting, requestsPerSecond: 3 } });
    const [eager, calm] = [await newToken('eager', 'viewer'), await newToken('calm', 'viewer')];
    const ask = (token: string) => server.ask(PATH, { headers: bearer(token) });
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(eager)));
    const late = answers.find(({ status }) => status === 429);
    expect(late?.body).toMatchObject({
      error: 'More than 3 requests a second with this token.',
      code: 'rate_limited',
      hint: 'Nothing was done. Try again in 1 s.',
    });
    expect(late?.headers['retry-after']).toBe('1');
    expect((await ask(calm)).status).toBe(200);
    expect((await server.ask('/healthz')).status).toBe(200);
  });

  it('is not held back by who knows its id and not its secret', async () => {
    await start({ rateLimiting: { ...limiting, requestsPerSecond: 3, failuresPerMinute: 1_000 } });
    const token = await newToken('calm', 'viewer');
    const wrong = token.slice(0, -64) + '0'.repeat(64);
    await Promise.all(
      Array.from({ length: 20 }, () => server.ask(PATH, { headers: bearer(wrong) })),
    );
    expect((await server.ask(PATH, { headers: bearer(token) })).status).toBe(200);
  });
});

describe('an address that fails too often', () => {
  const fail = (headers: Record<string, string> = {}) => server.ask(PATH, { headers });
  const statuses = async (count: number, headers: (turn: number) => Record<string, string>) => {
    const answers: number[] = [];
    for (let turn = 0; turn < count; turn += 1) answers.push((await fail(headers(turn))).status);
    return answers;
  };

  it('waits, while a token that is known goes on from there', async () => {
    await start();
    const token = await newToken('calm', 'viewer');
    expect((await fail(bearer(token))).status).toBe(200);
    const answers = await statuses(8, () => ({}));
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const { body, headers } = await fail();
    expect(body).toMatchObject({
      error: 'More than 5 failures a minute from 127.0.0.1.',
      code: 'rate_limited',
    });
    expect(Number(headers['retry-after'])).toBeGreaterThan(1);
    expect((await fail(bearer(token))).status).toBe(200);
    // Also after something was changed about tokens, and all are looked up anew.
    await newToken('new', 'admin');
    const admin = await newToken('root', 'admin');
    expect((await fail(bearer(admin))).status).toBe(429);
    expect((await fail(bearer(token))).status).toBe(200);
  });

  it('is the same one whatever it forges, where no proxy is trusted', async () => {
    await start();
    await newToken('calm', 'viewer');
    const forged = (turn: number) => ({
      'x-forwarded-for': `198.51.100.${turn}`,
      forwarded: `for=198.51.100.${turn}`,
      'x-real-ip': `198.51.100.${turn}`,
      'cf-connecting-ip': `198.51.100.${turn}`,
    });
    expect(await statuses(8, forged)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  });

  it('is the same one through ten thousand forged headers', async () => {
    await start({ logLevel: 'silent' });
    await newToken('calm', 'viewer');
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    onTestFinished(() => agent.destroy());
    const counted = new Map<number, number>();
    const one = (turn: number) =>
      new Promise<void>((resolve, reject) => {
        const address = `203.${turn % 256}.${(turn >> 8) % 256}.7, 198.51.100.${turn % 256}`;
        const headers = { 'x-forwarded-for': address };
        const request = httpRequest(
          { port: server.port, host: '127.0.0.1', path: PATH, headers, agent },
          (response) => {
            const status = response.statusCode ?? 0;
            counted.set(status, (counted.get(status) ?? 0) + 1);
            response.resume().on('end', resolve);
          },
        );
        request.on('error', reject).end();
      });
    for (let turn = 0; turn < 10_000; turn += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, more) => one(turn + more)));
    }
    expect((counted.get(401) ?? 0) + (counted.get(429) ?? 0)).toBe(10_000);
    expect(counted.get(401)).toBe(5);
  });

  it('is the one that a trusted proxy names, and garbage is the proxy itself', async () => {
    await start({ trustedProxies: ['127.0.0.1'] });
    await newToken('calm', 'viewer');
    const from = (address: string) => () => ({ 'x-forwarded-for': address });
    expect((await statuses(6, from('198.51.100.1'))).at(-1)).toBe(429);
    expect((await statuses(1, from('198.51.100.2')))[0]).toBe(401);
    // What stands left of what the proxy has written was said by the client.
    expect((await statuses(1, from('198.51.100.9, 198.51.100.1')))[0]).toBe(429);
    const garbage = ['unknown', '\u00ff', '1.2.3.4.5', '<script>', 'a'.repeat(1_000), ', ,'];
    const answers = await statuses(8, (turn) => ({
      'x-forwarded-for': garbage[turn % garbage.length] ?? '',
    }));
    expect(answers.slice(-3)).toEqual([429, 429, 429]);
  });

  it('is not asked how often, where nobody counts', async () => {
    const limits = createRateLimits({ ...limiting, enabled: false });
    for (let turn = 0; turn < 20; turn += 1) await limits.countFailure('192.0.2.1');
    expect(await limits.hasFailedTooOften('192.0.2.1')).toBe(false);
  });
});

describe('who is refused', () => {
  beforeEach(() => start({ rateLimiting: { ...limiting, enabled: false } }));

  it('is in the audit: a stranger, a role, a stray', async () => {
    await makeLine(server.behind.call, 'acme', 'team');
    await makeTenant(server.behind.call, 'beta');
    const agent = await newToken('ci', 'agent', { tenant: 'acme', owner: 'Acme CI' });
    await server.ask(`${PATH}?token=x`);
    await server.ask('/api/v1/tokens', { headers: bearer(agent) });
    await server.ask('/api/v1/tenants/beta/explain', { headers: bearer(agent) });
    await server.ask('/api/v1/tenants/nobody/explain', { headers: bearer(agent) });
    await vi.waitFor(async () => expect(await refusals(server.behind)).toHaveLength(3));
    const found = await refusals(server.behind);
    expect(found.map(({ principal, asked }) => [principal, asked])).toEqual([
      ['anonymous', 'tenant.list'],
      ['Acme CI', 'token.list'],
      ['Acme CI', 'tenant.explain'],
    ]);
    for (const { tenant, times, address } of found) {
      expect([tenant, times, address]).toEqual([null, 1, '127.0.0.1']);
    }
    expect(found[0]?.object).toBe('none');
    expect(found[1]?.object).toMatch(/^token-/);
  });

  it('is in no audit of who is bound to a tenant', async () => {
    await makeTenant(server.behind.call, 'acme');
    const bound = await newToken('acme-viewer', 'viewer', { tenant: 'acme' });
    await server.ask('/api/v1/tokens', { headers: bearer(bound) });
    await vi.waitFor(async () => expect(await refusals(server.behind)).toHaveLength(1));
    for (const path of ['/api/v1/audit', '/api/v1/events?after=0']) {
      const { text, status } = await server.ask(path, { headers: bearer(bound) });
      expect(status).toBe(200);
      expect(text).not.toContain('token.refuse');
    }
  });

  it('leaves no secret in the audit', async () => {
    const token = await newToken('root', 'admin');
    const wrong = `${token.slice(0, -64)}${'ab'.repeat(32)}`;
    await server.ask(`/nowhere?token=${token}`, { headers: bearer(wrong) });
    await eventually(() => server.lines.length === 1);
    await vi.waitFor(async () => expect(await refusals(server.behind)).toHaveLength(1));
    const text = JSON.stringify(await server.behind.events());
    for (const part of [token.slice(-64), wrong.slice(-64)]) expect(text).not.toContain(part);
  });
});

describe('many refusals', () => {
  let behind: TestService;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    behind = await testService();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await behind.close();
  });

  const forbidden = new HodeiError('forbidden', 'No.');
  const refused = (principal: string, asked: string, token?: string) => ({
    ...{ who: { principal, token, traceId: '0' }, asked, address: '192.0.2.1' },
  });
  const recorded = async (count: number) => {
    await vi.waitFor(async () => expect(await refusals(behind)).toHaveLength(count));
    return refusals(behind);
  };

  it('of one kind are one at once, and after a minute how many there were', async () => {
    const { note, close } = createRefusals(behind.service, () => '0');
    for (let turn = 0; turn < 50; turn += 1)
      note(refused('eve', 'quota.set', 'token-eve'), forbidden);
    await recorded(1);
    vi.advanceTimersByTime(60_000);
    expect((await recorded(2)).map(({ times }) => times)).toEqual([1, 49]);
    note(refused('eve', 'quota.set', 'token-eve'), forbidden);
    expect((await recorded(3)).map(({ times }) => times)).toEqual([1, 49, 1]);
    await close();
    await recorded(3);
  });

  it("that all differ are no flood of events, and the rest has nobody's name", async () => {
    const { note, close } = createRefusals(behind.service, () => '0');
    for (let turn = 0; turn < 5_000; turn += 1)
      note(refused('anonymous', `GET /${turn}`), forbidden);
    await recorded(200);
    await close();
    const last = (await recorded(201)).at(-1);
    expect(last).toMatchObject({
      ...{ principal: 'others', asked: 'others', address: 'others', times: 4_800, object: 'none' },
    });
  });

  it('of strangers do not hide what somebody with a token tries', async () => {
    const { note, close } = createRefusals(behind.service, () => '0');
    for (let turn = 0; turn < 300; turn += 1) note(refused('anonymous', `GET /${turn}`), forbidden);
    note(refused('eve', 'token.create', 'token-eve'), forbidden);
    await close();
    const found = await recorded(202);
    expect(found.map(({ principal, asked }) => `${principal} ${asked}`)).toContain(
      'eve token.create',
    );
  });

  it('that cannot be written down stop nobody', async () => {
    const { note, close } = createRefusals(
      () => Promise.reject(new HodeiError('unavailable', 'The disk is full.')),
      () => '0',
    );
    note(refused('eve', 'quota.set'), forbidden);
    note(refused('eve', 'quota.set'), forbidden);
    await expect(close()).resolves.toBeUndefined();
  });
});
