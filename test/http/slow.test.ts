import { afterEach, describe, expect, it } from 'vitest';
import { unavailable } from '../../src/domain/errors.ts';
import type { Service } from '../../src/service/call.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { eventually, startTestServer, type TestServer } from './helpers.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const headers = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };

let server: TestServer;
let behind: TestService;
afterEach(async () => {
  await server.stop();
  await behind.close();
});

/** A server before a service that takes more than a millisecond for everything. */
async function startSlow(slowMs: number, failure?: Error): Promise<void> {
  behind = await testService();
  const service: Service = async (operation, input, caller) => {
    const start = performance.now();
    while (performance.now() - start < 2);
    if (failure !== undefined) throw failure;
    return behind.service(operation, input, caller);
  };
  server = await startTestServer({ slowMs, service });
}

/** Without what the server asks for itself, which may be slow as well. */
function slowLines(): Record<string, unknown>[] {
  const lines = server.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.filter(({ msg, principal }) => msg === 'slow operation' && principal !== 'hodei');
}

const answered = () => server.lines.some((line) => line.includes('"path"'));

describe('an operation that takes longer than slow_ms', () => {
  it('is named once in the log, with the trace id of the request', async () => {
    await startSlow(1);
    await makeTenant(behind.call, 'acme');
    await server.ask('/api/v1/tenants/acme/quota', { method: 'PUT', headers, body: { cpu_m: 1 } });
    await eventually(answered);
    expect(slowLines()).toEqual([
      {
        ...{ level: 'warn', time: expect.any(String), msg: 'slow operation' },
        ...{ operation: 'quota.set', tenant: 'acme', principal: 'anonymous' },
        ...{ ms: expect.any(Number), trace_id: TRACE_ID },
      },
    ]);
  });

  it('is named also when it fails, without a secret, what is no tenant, or more than a name', async () => {
    await startSlow(1, unavailable('The disk is full.'));
    const token = `hod_${'a'.repeat(12)}_${'0'.repeat(64)}`;
    const tenant = `${token} ${'x'.repeat(200)}`;
    await server.ask('/api/v1/jobs', { method: 'POST', headers, body: { tenant } });
    await server.ask('/api/v1/jobs', { method: 'POST', headers, body: { tenant: 7 } });
    await server.ask('/api/v1/tenants');
    await eventually(() => slowLines().length === 3);
    expect(slowLines().map((line) => line['tenant'])).toEqual([
      `hod_*** ${'x'.repeat(92)}`,
      undefined,
      undefined,
    ]);
    expect(slowLines().map((line) => line['operation'])).toEqual([
      ...['job.admit', 'job.admit', 'tenant.list'],
    ]);
  });

  it('is named by the tenant that the answer says, where the request has only the job', async () => {
    await startSlow(1);
    await makeTenant(behind.call, 'acme');
    await server.ask('/api/v1/tenants/acme/quota', {
      method: 'PUT',
      body: { max_concurrent_jobs: 1 },
    });
    const { body } = await server.ask('/api/v1/jobs', {
      method: 'POST',
      body: { tenant: 'acme', jobs: 1 },
    });
    await server.ask(`/api/v1/jobs/${String(body['id'])}/release`, { method: 'POST', body: {} });
    await eventually(() => slowLines().length === 3);
    expect(slowLines().at(-1)).toMatchObject({ operation: 'job.release', tenant: 'acme' });
  });
});

describe('an operation is not named', () => {
  it.each([0, 3_600_000])('where slow_ms is %d', async (slowMs) => {
    await startSlow(slowMs);
    await server.ask('/api/v1/tenants');
    await eventually(answered);
    expect(slowLines()).toEqual([]);
  });
});
