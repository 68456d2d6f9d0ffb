import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS_CONTENT_TYPE, metricsText, type MetricFamily } from '../../src/domain/metrics.ts';
import { factsForMetrics, readMeter, weighForMetrics } from '../../src/service/metrics.ts';
import type { Service } from '../../src/service/call.ts';
import { createToken } from '../../src/service/tokens.ts';
import { promtool, whyNoPromtool } from '../helpers/promtool.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { startTestServer, type TestServer } from './helpers.ts';

let server: TestServer;

beforeAll(async () => {
  const storeSizes = () => ({ bytes: 4096, walBytes: 1, freeBytes: 2 });
  server = await startTestServer({ storeSizes });
  await makeTenant(server.behind.call, 'acme');
});
afterAll(() => server.stop());

describe('what Prometheus reads', () => {
  it('is the database, its files and the process, as plain text', async () => {
    const { status, headers, text } = await server.ask('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(METRICS_CONTENT_TYPE);
    expect(text).toContain('hodei_build_info{version="1.2.3"} 1\n');
    expect(text).toContain('hodei_store_size_bytes 4096\n');
    expect(text).toContain('hodei_queue_depth{pool="default"} 0\n');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });

  it('is the same by the API', async () => {
    const { body } = await server.ask('/api/v1/metrics');
    const text = metricsText(body['families'] as MetricFamily[]);
    expect(text).toContain('hodei_build_info{version="1.2.3"} 1\n');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  const missing = whyNoPromtool();
  it.skipIf(missing !== undefined && process.env['CI'] === undefined)(
    `is what promtool accepts${missing === undefined ? '' : ` (${missing})`}`,
    async () => {
      if (missing !== undefined) throw new Error(missing);
      const { text } = await server.ask('/metrics');
      expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
      const broken = promtool(['check', 'metrics'], text.replaceAll('# HELP hodei_queue', '# no'));
      expect(broken.status).not.toBe(0);
    },
  );
});

describe('the page', () => {
  it('is where the configuration says, and switched off it says how it is switched on', async () => {
    const metrics = { enabled: false, path: '/internal/metrics', maxTenantLabels: 1 };
    const other = await startTestServer({ metrics });
    try {
      expect((await other.ask('/metrics')).body).toMatchObject({ code: 'not_found' });
      const { status, body } = await other.ask('/internal/metrics');
      expect({ status, ...body }).toMatchObject({
        status: 404,
        error: 'Metrics are switched off.',
        hint: 'metrics.prometheus.enabled in the config file of hodei serve switches them on.',
      });
    } finally {
      await other.stop();
    }
  });

  it('is for who reads and is not bound to a tenant', async () => {
    const own = await startTestServer();
    try {
      const { call } = own.behind;
      await makeTenant(call, 'acme');
      const statusOf = async (name: string, role: 'viewer' | 'agent', more = {}) => {
        const { secret } = await call(createToken, { name, role, ...more });
        const headers = { authorization: `Bearer ${secret}` };
        return (await own.ask('/metrics', { headers })).status;
      };
      expect(await statusOf('prometheus', 'viewer')).toBe(200);
      expect(await statusOf('runner', 'agent')).toBe(403);
      expect(await statusOf('bound', 'viewer', { tenant: 'acme' })).toBe(403);
      expect((await own.ask('/metrics')).status).toBe(401);
    } finally {
      await own.stop();
    }
  });
});

/** A database with so many steps from one end to the other; the tenants of a step are its number. */
function farService(steps: number) {
  const asked: { readonly name: string; readonly input: unknown }[] = [];
  const service = (async ({ name }, input) => {
    asked.push({ name, input });
    if (name !== weighForMetrics.name) return [];
    const { after } = input as { after: number };
    const heaviest = [{ tenant: after, weight: after / 100 }];
    return { heaviest, next: after + 1 < steps ? after + 1 : null };
  }) as Service;
  const metrics = createMetrics({
    ...{ service, newTraceId: () => '', version: '1' },
    metrics: { enabled: true, path: '/metrics', maxTenantLabels: 2 },
  });
  const inputsOf = (wanted: string) =>
    asked.filter(({ name }) => name === wanted).map(({ input }) => input);
  return { metrics, inputsOf };
}

describe('where there are more tenants than can be looked at for one answer', () => {
  it('each answer goes on where the last one stopped, and the largest so far are named', async () => {
    const { metrics, inputsOf } = farService(20);
    for (let i = 0; i < 4; i++) await metrics.collect();
    const steps = inputsOf(weighForMetrics.name).map((input) => (input as { after: number }).after);
    const all = Array.from({ length: 20 }, (_, i) => i);
    expect(steps).toEqual([...all, ...all.slice(0, 8)]);
    expect(inputsOf(factsForMetrics.name)).toEqual([
      { tenants: [7, 6], most: 2 },
      { tenants: [15, 14], most: 2 },
      { tenants: [19, 18], most: 2 },
      { tenants: [19, 18], most: 2 },
    ]);
  });

  it('who asks at the same time shares an answer', async () => {
    const { metrics, inputsOf } = farService(1);
    const [one, other] = await Promise.all([metrics.collect(), metrics.collect()]);
    expect(one).toBe(other);
    await metrics.collect();
    expect(inputsOf(readMeter.name)).toHaveLength(2);
  });
});
