import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HodeiError, type ErrorCode } from '../../src/domain/errors.ts';
import { statusOf } from '../../src/http/status.ts';
import { canChange, sendsBody } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { pathParameters, type Caller, type Operation } from '../../src/service/operation.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { failingWith, startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

const acme = { name: 'acme', email: 'ops@acme.example' };

describe('an operation by REST', () => {
  it('creates with 201, gets, lists, changes and deletes with 204', async () => {
    const created = await server.ask('/api/v1/tenants', { method: 'POST', body: acme });
    expect(created.status).toBe(201);
    expect(created.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(created.body).toMatchObject({ name: 'acme', status: 'active', version: 1 });

    const got = await server.ask('/api/v1/tenants/acme');
    expect(got.status).toBe(200);
    expect(got.body).toEqual(created.body);

    const listed = await server.ask('/api/v1/tenants?limit=1');
    expect(listed.body).toEqual({ items: [created.body], next_cursor: null });

    const changed = await server.ask('/api/v1/tenants/acme', {
      method: 'PUT',
      body: { email: 'new@acme.example' },
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ email: 'new@acme.example', version: 2 });

    const deleted = await server.ask('/api/v1/tenants/acme', { method: 'DELETE' });
    expect(deleted.status).toBe(204);
    expect(deleted.text).toBe('');
    expect(deleted.headers['content-type']).toBeUndefined();
    expect((await server.ask('/api/v1/tenants/acme')).status).toBe(404);
  });

  it('answers what the service answers, field for field', async () => {
    const { call } = server.behind;
    await makeTenant(call, 'acme');
    const body = { cpu_m: 6000, gpu: '+2', memory_mb: null };
    const set = await server.ask('/api/v1/tenants/acme/quota', { method: 'PUT', body });
    expect(set.body).toMatchObject({ cpu_m: 6000, gpu: 2, memory_mb: null });
    const get = await server.ask('/api/v1/tenants/acme/quota');
    expect(get.body).toEqual(await call(getQuota, { tenant: 'acme' }));
  });

  it('takes a document back as a GET answered it', async () => {
    await makeTenant(server.behind.call, 'acme');
    for (const path of ['/api/v1/tenants/acme', '/api/v1/tenants/acme/quota', '/api/v1/config']) {
      const { body } = await server.ask(path);
      const again = await server.ask(path, { method: 'PUT', body });
      expect(again.status, path).toBe(200);
      expect(again.body).toMatchObject(body);
    }
  });

  it('decodes the path, and reads several values of one name in the query', async () => {
    await makeTenant(server.behind.call, 'acme', { labels: { tier: 'gold', team: 'a b' } });
    expect((await server.ask('/api/v1/tenants/%61cme')).status).toBe(200);
    const missing = await server.ask('/api/v1/tenants/a%2Fb%20%C3%A9');
    expect(missing.body).toMatchObject({ code: 'not_found', error: 'Tenant not found: a/b é' });
    const query = 'label=tier%3Dgold&label=team%3Da+b';
    const { body } = await server.ask(`/api/v1/tenants?${query}`);
    expect(body['items']).toHaveLength(1);
    const none = await server.ask(`/api/v1/tenants?${query}&label=x%3Dy`);
    expect(none.body['items']).toEqual([]);
  });

  it('answers HEAD like GET, without the body', async () => {
    await makeTenant(server.behind.call, 'acme');
    const get = await server.ask('/api/v1/tenants/acme');
    const head = await server.ask('/api/v1/tenants/acme', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['etag']).toBe('"1"');
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect((await server.ask('/api/v1/tenants/nobody', { method: 'HEAD' })).status).toBe(404);
  });
});

describe('an error', () => {
  it('has sentence, code, hint and trace id', async () => {
    const { status, body, headers } = await server.ask('/api/v1/tenants/acme');
    expect(status).toBe(404);
    expect(body).toEqual({
      error: 'Tenant not found: acme',
      code: 'not_found',
      hint: 'See which there are: hodei tenant list',
      trace_id: headers['x-trace-id'],
    });
  });

  it.each(Object.entries(statusOf))('of code %s has status %i', async (code, status) => {
    const failing = await startTestServer({
      service: failingWith(new HodeiError(code as ErrorCode, 'So it is.')),
    });
    const answer = await failing.ask('/api/v1/tenants');
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: 'So it is.', code });
    expect(answer.body).not.toHaveProperty('hint');
    await failing.stop();
  });

  it.each<unknown>([
    new TypeError('secret in /home/ana'),
    Object.assign(new Error('secret'), { code: 'SQLITE_MISUSE', statusCode: 500 }),
    'secret',
    undefined,
    { status: 204 },
  ])('that is a bug says nothing of what it is: %s', async (thrown) => {
    const failing = await startTestServer({
      service: failingWith(thrown as Error),
    });
    const { status, body, text } = await failing.ask('/api/v1/tenants');
    expect(status).toBe(500);
    expect(body).toMatchObject({ error: 'Internal error', code: 'internal' });
    expect(text).not.toContain('secret');
    await failing.stop();
  });
});

describe('the same name twice', () => {
  it.each([
    ['PUT', '/api/v1/tenants/acme', { tenant: 'beta', email: 'x@y.example' }],
    ['PUT', '/api/v1/tenants/acme/quota', { tenant: 'acme', cpu_m: 1 }],
    ['POST', '/api/v1/tenants/acme/suspend', { tenant: 'acme' }],
  ])('in path and body is refused: %s %s', async (method, path, body) => {
    await makeTenant(server.behind.call, 'acme');
    const answer = await server.ask(path, { method, body });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toBe(
      'tenant stands in the path and again in the body: say it once.',
    );
  });

  it.each([
    ['GET', '/api/v1/tenants/acme?tenant=acme'],
    ['DELETE', '/api/v1/tenants/acme?tenant=beta'],
    ['DELETE', '/api/v1/tenants/acme/quota/gpu?resource=cpu_m'],
  ])('in path and query is refused: %s %s', async (method, path) => {
    const answer = await server.ask(path, { method });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toMatch(/^\w+ stands in the path and again in the query/);
  });

  it('in the query is refused where one value is wanted', async () => {
    await makeTenant(server.behind.call, 'acme');
    for (const query of ['cascade=true&cascade=false', 'dry_run=true&dry_run=true', 'as=a&as=b']) {
      const path = `/api/v1/tenants/acme?${query}`;
      expect((await server.ask(path, { method: 'DELETE' })).status, query).toBe(400);
    }
    expect((await server.ask('/api/v1/tenants/acme')).status).toBe(200);
  });
});

/** The service as it hears who calls, and in whose words. */
function recordingService(calls: { input: unknown; caller: Caller }[]) {
  return (_operation: unknown, input: unknown, caller: Caller) => {
    calls.push({ input, caller });
    return Promise.resolve({} as never);
  };
}

describe('the common parameters', () => {
  const changing = operations.filter(canChange);
  const reading = operations.filter((operation) => !canChange(operation));

  it.each(changing.map((operation) => [operation.name, operation] as const))(
    'reach %s beside its input',
    async (_name, operation) => {
      const calls: { input: unknown; caller: Caller }[] = [];
      const recording = await startTestServer({ service: recordingService(calls) });
      const query = 'reason=release%20week&as=bot&dry_run=true';
      await recording.ask(`${pathTo(operation)}?${query}`, { method: operation.method });
      expect(calls[0]).toMatchObject({
        input: { ...pathInput(operation) },
        caller: { principal: 'anonymous', reason: 'release week', actingAs: 'bot', dryRun: true },
      });
      expect(Object.keys(calls[0]?.input as object)).toEqual(pathParameters(operation.path));
      await recording.stop();
    },
  );

  it.each(reading.map((operation) => [operation.name, operation] as const))(
    'are unknown to %s',
    async (_name, operation) => {
      for (const name of ['reason', 'as', 'dry_run']) {
        const { method } = operation;
        const answer = await server.ask(`${pathTo(operation)}?${name}=true`, { method });
        expect(answer.status).toBe(400);
        const what = sendsBody(operation) ? 'query parameter' : 'field';
        expect(answer.body['error']).toContain(`unknown ${what} "${name}"`);
      }
    },
  );

  it.each([
    ['dry_run=yes', 'dry_run: must be true or false'],
    ['dry_run=', 'dry_run: must be true or false'],
    [`reason=${'x'.repeat(501)}`, 'reason: '],
    ['reason=', 'reason: '],
    ['reason=a%1Bb', 'reason: must not contain control or invisible characters'],
    ['reason=%E2%80%AEx', 'reason: must not contain control or invisible characters'],
    [`as=${'x'.repeat(101)}`, 'as: '],
    ['as=a%0Ab', 'as: must not contain control or invisible characters'],
    ['dryrun=true', 'unknown query parameter "dryrun" (did you mean dry_run?)'],
    ['email=a%40b.example', 'unknown query parameter "email"'],
    ['__proto__=1', 'unknown query parameter "__proto__"'],
    ['constructor=1', 'unknown query parameter "constructor"'],
  ])('are refused when wrong, and nothing is done: %s', async (query, problem) => {
    await makeTenant(server.behind.call, 'acme');
    const answer = await server.ask(`/api/v1/tenants/acme/suspend?${query}`, { method: 'POST' });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toContain(problem);
    expect((await server.ask('/api/v1/tenants/acme')).body).toMatchObject({ status: 'active' });
  });

  it('are kept in the audit, and a dry run keeps nothing', async () => {
    await makeTenant(server.behind.call, 'acme');
    const path = '/api/v1/tenants/acme/quota';
    const dry = await server.ask(`${path}?dry_run=true`, { method: 'PUT', body: { cpu_m: 1 } });
    expect(dry.body).toMatchObject({ cpu_m: 1, version: 2 });
    expect((await server.ask(path)).body).toMatchObject({ cpu_m: 4000, version: 1 });

    const query = 'reason=ol%C3%A9%20ol%C3%A9&as=release%2Bbot&dry_run=false';
    const done = await server.ask(`${path}?${query}`, { method: 'PUT', body: { cpu_m: 1 } });
    const event = (await server.behind.events()).at(-1);
    expect(event).toMatchObject({
      operation: 'quota.set',
      principal: 'anonymous',
      reason: 'olé olé',
      actingAs: 'release+bot',
      traceId: done.headers['x-trace-id'],
    });
  });

  it('mean something of their own in no operation that takes its input in the query', () => {
    const clashing = changing.filter(
      ({ method, input }) =>
        method === 'DELETE' &&
        ['reason', 'as', 'dry_run'].some((name) => Object.hasOwn(input().shape, name)),
    );
    expect(clashing).toEqual([]);
  });
});

describe('the probes', () => {
  it('say that the process answers, and whether the database does', async () => {
    expect(await server.ask('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await server.ask('/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const broken = await startTestServer({
      checkReady: () => Promise.reject(new Error('disk I/O error')),
    });
    const { status, body } = await broken.ask('/readyz');
    expect(status).toBe(503);
    expect(body).toMatchObject({ error: 'The database does not answer.', code: 'unavailable' });
    expect((await broken.ask('/healthz')).status).toBe(200);
    await broken.stop();
  });
});

function pathInput({ path }: Operation): Record<string, string> {
  return Object.fromEntries(pathParameters(path).map((name) => [name, `the-${name}`]));
}

function pathTo(operation: Operation): string {
  const input = pathInput(operation);
  return `/api/v1${operation.path.replace(/\{(\w+)\}/g, (_part, name: string) => input[name]!)}`;
}
