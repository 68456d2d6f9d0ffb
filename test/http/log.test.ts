import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseError, unavailable } from '../../src/domain/errors.ts';
import { traceIdOf } from '../../src/http/trace.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { eventually, failingWith, sendRaw, startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;
afterEach(() => server.stop());

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

function logged(): Record<string, unknown>[] {
  return server.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the trace id', () => {
  it('is that of the traceparent header, in header, error body, log and audit', async () => {
    server = await startTestServer();
    const headers = { traceparent: TRACEPARENT };
    const body = { name: 'acme', email: 'ops@acme.example' };
    const created = await server.ask('/api/v1/tenants', { method: 'POST', headers, body });
    expect(created.headers['x-trace-id']).toBe(TRACE_ID);
    expect((await server.behind.events()).at(-1)).toMatchObject({ traceId: TRACE_ID });
    const missing = await server.ask('/api/v1/tenants/x', { headers });
    expect(missing.headers['x-trace-id']).toBe(TRACE_ID);
    expect(missing.body).toMatchObject({ trace_id: TRACE_ID });
    await eventually(() => server.lines.length === 2);
    expect(logged().map((line) => line['trace_id'])).toEqual([TRACE_ID, TRACE_ID]);
  });

  it('is a new one for every request without a valid header, on every path', async () => {
    server = await startTestServer();
    const paths = [
      '/healthz',
      '/api/docs',
      '/api/openapi.json',
      '/nowhere',
      '/%',
      '/api/v1/config',
    ];
    const ids = new Set<unknown>();
    for (const path of paths) {
      const { headers } = await server.ask(path, { headers: { traceparent: 'nonsense' } });
      expect(headers['x-trace-id']).toMatch(/^\d{32}$/);
      ids.add(headers['x-trace-id']);
    }
    expect(ids.size).toBe(paths.length);
  });

  it.each([
    [TRACEPARENT, TRACE_ID],
    [`00-${TRACE_ID}-00f067aa0ba902b7-00`, TRACE_ID],
    [`01-${TRACE_ID}-00f067aa0ba902b7-01`, TRACE_ID],
    [`cc-${TRACE_ID}-00f067aa0ba902b7-01-what-comes-later`, TRACE_ID],
    [`00-${TRACE_ID}-00f067aa0ba902b7-01-more`, undefined],
    [`ff-${TRACE_ID}-00f067aa0ba902b7-01`, undefined],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID}-${'0'.repeat(16)}-01`, undefined],
    [TRACEPARENT.toUpperCase(), undefined],
    [`00-${TRACE_ID}-00f067aa0ba902b7`, undefined],
    [`00-${TRACE_ID.slice(1)}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID}0-00f067aa0ba902b7-01`, undefined],
    [` ${TRACEPARENT}`, undefined],
    [`${TRACEPARENT}, ${TRACEPARENT}`, undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of traceparent %j is %j', (traceparent, traceId) => {
    expect(traceIdOf(traceparent)).toBe(traceId);
  });
});

describe('the log', () => {
  it('has one line of JSON for every request, without the query', async () => {
    server = await startTestServer();
    await makeTenant(server.behind.call, 'acme');
    await server.ask('/api/v1/tenants/acme/quota?reason=secret', {
      method: 'PUT',
      body: { cpu_m: 1 },
    });
    await server.ask('/api/v1/tenants/x%0Ay?secret=1');
    await server.ask('/nowhere?secret=1');
    await server.ask('/%zz?secret=1');
    await server.ask('/healthz', { headers: { host: 'evil.test' } });
    await sendRaw(server.port, 'secret\r\n\r\n');
    await eventually(() => server.lines.length === 6);
    expect(server.lines.every((line) => line.endsWith('}\n') && !line.includes('secret'))).toBe(
      true,
    );
    const [put, missing, nowhere, unreadable, evil, noRequest] = logged();
    expect(put).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      method: 'PUT',
      path: '/api/v1/tenants/acme/quota',
      status: 200,
      ms: expect.any(Number),
      trace_id: expect.stringMatching(/^\d{32}$/),
      principal: 'anonymous',
      operation: 'quota.set',
    });
    expect(missing).toMatchObject({ status: 400, code: 'invalid', operation: 'tenant.get' });
    expect(nowhere).toMatchObject({ path: '/nowhere', status: 404, code: 'not_found' });
    expect(nowhere).not.toHaveProperty('operation');
    expect(unreadable).toMatchObject({ path: '/%zz', status: 400 });
    expect(evil).toMatchObject({ path: '/healthz', status: 403, code: 'forbidden' });
    expect(noRequest).toMatchObject({ status: 400, reason: expect.stringMatching(/^HPE_/) });
  });

  it('has the cause of a fault, which the answer does not tell', async () => {
    const cause = new TypeError('cannot read the secret');
    server = await startTestServer({ service: failingWith(cause) });
    const { body, text } = await server.ask('/api/v1/tenants');
    expect(text).not.toContain('secret');
    await eventually(() => server.lines.length === 1);
    const [line] = logged();
    expect(line).toMatchObject({ level: 'error', status: 500, trace_id: body['trace_id'] });
    expect(line?.['err']).toMatchObject({
      stack: expect.stringContaining('cannot read the secret'),
    });
  });

  it('has the cause of what the database refused', async () => {
    const failures = [
      databaseError('disk image is malformed', { cause: new Error('first') }),
      unavailable('The disk is full.', { cause: new Error('second') }),
    ];
    server = await startTestServer({ service: failingWith(...failures) });
    await server.ask('/api/v1/tenants');
    await server.ask('/api/v1/tenants');
    await eventually(() => server.lines.length === 2);
    expect(server.lines[0]).toContain('first');
    expect(server.lines[1]).toContain('second');
  });

  it('tells of clients that left before their answer', async () => {
    let finish = () => {};
    const answered = new Promise<void>((resolve) => (finish = resolve));
    server = await startTestServer({ service: () => answered.then(() => ({}) as never) });
    const leaving = new AbortController();
    const asked = fetch(`${server.url}/api/v1/tenants`, { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 100);
    await expect(asked).rejects.toThrow('aborted');
    await eventually(() => server.lines.length === 1);
    expect(logged()[0]).toMatchObject({ aborted: true, operation: 'tenant.list' });
    finish();
  });

  it('has only what its level lets through, and nothing when silent', async () => {
    server = await startTestServer({
      logLevel: 'error',
      service: failingWith(new Error('so')),
    });
    await server.ask('/nowhere');
    await server.ask('/api/v1/tenants');
    await eventually(() => server.lines.length === 1);
    expect(logged()[0]).toMatchObject({ level: 'error', operation: 'tenant.list' });
    const silent = await startTestServer({
      logLevel: 'silent',
      service: failingWith(new Error('so')),
    });
    await silent.ask('/api/v1/tenants');
    await silent.stop();
    expect(silent.lines).toEqual([]);
  });

  it('is all that the server writes', async () => {
    const stdout = vi.spyOn(process.stdout, 'write');
    const stderr = vi.spyOn(process.stderr, 'write');
    const warning = vi.spyOn(process, 'emitWarning');
    server = await startTestServer();
    await server.ask('/api/docs');
    await server.ask('/nowhere');
    await sendRaw(server.port, 'x\r\n\r\n');
    expect(stdout).not.toHaveBeenCalled();
    expect(stderr).not.toHaveBeenCalled();
    expect(warning).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});
