import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHERS, type MetricFamily } from '../../src/domain/metrics.ts';
import { correctBudget, getBudget, setBudget } from '../../src/service/budgets.ts';
import { requestBurstSession } from '../../src/service/bursts.ts';
import { SCOPES_AT_ONCE } from '../../src/service/metric-tenants.ts';
import { getMetrics, weighForMetrics } from '../../src/service/metrics.ts';
import { registerWebhooks } from '../../src/service/webhook-progress.ts';
import { testWebhook } from '../../src/service/webhooks.ts';
import { admit, enqueue } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;

let service: TestService;

beforeAll(async () => {
  service = await testService();
  const { call, clock } = service;
  await makePool(call, 'gpu', { max_size: 2, resources: { cpu_m: 4000 } });
  for (const name of ['acme', 'bolt', 'core']) {
    await makeTenant(call, name, { quota: { cpu_m: 4000, max_concurrent_jobs: null } });
  }
  await makeTenant(call, 'acme-ci', { parent: 'acme' });
  await admit(call, 'acme-ci', { pool: 'gpu', cpu_m: 3000 });
  await admit(call, 'bolt', { pool: 'default', cpu_m: 2000 });
  await admit(call, 'core', { pool: 'default', cpu_m: 1000 });
  await enqueue(call, 'bolt', { pool: 'gpu', cpu_m: 3000 });
  clock.advance(2 * MINUTE);
  await call(requestBurstSession, {
    ...{ tenant: 'core', percentage: 140, resources: ['cpu_m'], reason: 'release' },
    ...{ duration_seconds: 600 },
  });
  await call(registerWebhooks, {
    webhooks: [{ name: 'pager', url: 'http://127.0.0.1/', kinds: ['job'] }],
  });
  await call(testWebhook, { webhook: 'pager' });
});
afterAll(() => service.close());

async function valuesOf(name: string, input: { max_tenants?: number } = {}) {
  const { families } = await service.call(getMetrics, input);
  const found = (families as MetricFamily[]).find((each) => each.name === name);
  return Object.fromEntries(
    (found?.samples ?? []).map(({ labels, value }) => [Object.values(labels).join(' '), value]),
  );
}

describe('what the database knows', () => {
  it('is what a pool has, holds and has left', async () => {
    expect(await valuesOf('hodei_pool_used')).toMatchObject({
      'gpu cpu_m': 3000,
      'gpu jobs': 1,
      'default cpu_m': 3000,
    });
    expect(await valuesOf('hodei_pool_limit')).toEqual({ 'gpu cpu_m': 8000 });
    expect(await valuesOf('hodei_pool_free')).toEqual({ 'gpu cpu_m': 5000 });
  });

  it('is how many wait in a pool, and since when', async () => {
    expect(await valuesOf('hodei_queue_depth')).toEqual({ default: 0, gpu: 1 });
    expect(await valuesOf('hodei_queue_oldest_wait_seconds')).toEqual({ default: 0, gpu: 120 });
  });

  it('is what a tenant holds with those below it, and has left; no sample where it is unlimited', async () => {
    expect(await valuesOf('hodei_tenant_used')).toMatchObject({
      'acme cpu_m': 3000,
      'acme-ci cpu_m': 3000,
      [`${OTHERS} cpu_m`]: 0,
    });
    expect(await valuesOf('hodei_tenant_limit')).toMatchObject({ 'acme cpu_m': 4000 });
    expect(await valuesOf('hodei_tenant_free')).toMatchObject({ 'acme cpu_m': 1000 });
    expect(await valuesOf('hodei_tenant_limit')).not.toHaveProperty('acme jobs');
  });

  it('counts what nobody who is named holds as one, and what is held below another once', async () => {
    const used = await valuesOf('hodei_tenant_used', { max_tenants: 2 });
    expect(Object.keys(used).filter((key) => key.endsWith(' cpu_m'))).toEqual([
      'acme cpu_m',
      'acme-ci cpu_m',
      `${OTHERS} cpu_m`,
    ]);
    expect(used[`${OTHERS} cpu_m`]).toBe(3000);
    expect(await valuesOf('hodei_tenant_used', { max_tenants: 0 })).toMatchObject({
      [`${OTHERS} cpu_m`]: 6000,
    });
  });

  it('is which burst sessions there are, and when the first of a tenant ends', async () => {
    expect(await valuesOf('hodei_burst_sessions')).toEqual({
      requested: 1,
      approved: 0,
      active: 0,
    });
    const { clock } = service;
    onFile(service.path, (file) =>
      file
        .prepare(`update burst set state = 'active', starts_at = ?, ends_at = ?`)
        .run(clock.now(), clock.now() + MINUTE),
    );
    expect(await valuesOf('hodei_burst_sessions')).toEqual({
      requested: 0,
      approved: 0,
      active: 1,
    });
    expect(await valuesOf('hodei_burst_end_timestamp_seconds')).toEqual({
      core: (clock.now() + MINUTE) / 1000,
    });
    clock.advance(MINUTE);
    expect(await valuesOf('hodei_burst_sessions')).toEqual({
      requested: 0,
      approved: 0,
      active: 0,
    });
    expect(await valuesOf('hodei_burst_end_timestamp_seconds')).toEqual({});
  });

  it('is what webhooks have not taken, and how many events there are', async () => {
    expect(await valuesOf('hodei_webhook_backlog')).toEqual({ pager: 1 });
    const events = await service.events();
    expect(await valuesOf('hodei_events_total')).toEqual({ '': events.length });
  });
});

describe('the way through all tenants', () => {
  it('goes on behind those it has looked at, and ends with the last', async () => {
    const far = 3 * SCOPES_AT_ONCE;
    onFile(service.path, (file) => {
      file.exec(
        `insert into tenant select ${far}, 'tenant-far', 'far', email, parent, weight, status,
           version, created_at, updated_at, deleted_at from tenant where name = 'bolt'`,
      );
      file.exec(
        `insert into scope (id, tenant, version, updated_at) values (${far}, ${far}, 1, 1)`,
      );
      file.exec(`insert into balance select ${far}, resource, used + 1 from balance b
        join scope s on s.id = b.scope join tenant t on t.id = s.tenant
        where t.name = 'bolt' and s.pool is null`);
    });
    const first = await service.call(weighForMetrics, { after: 0, most: 1 });
    expect(first.next).toBe(SCOPES_AT_ONCE);
    const second = await service.call(weighForMetrics, { after: SCOPES_AT_ONCE, most: 1 });
    expect(second).toEqual({ heaviest: [], next: 2 * SCOPES_AT_ONCE });
    const last = await service.call(weighForMetrics, { after: 2 * SCOPES_AT_ONCE, most: 1 });
    expect(last).toMatchObject({ heaviest: [{ tenant: far }], next: null });
    expect(await valuesOf('hodei_tenant_used', { max_tenants: 3 })).toHaveProperty(['far cpu_m']);
  });
});

describe('budgets', () => {
  it('are told of in units of the currency, those of which most is spent first', async () => {
    const paid = service.as({ reason: 'a test' });
    const half = { tenant: 'bolt', monthly_micro: 10_000_000, warn_percent: 50 };
    await paid(setBudget, half);
    await paid(setBudget, { tenant: 'core', monthly_micro: 2_000_000 });
    await paid(correctBudget, { tenant: 'bolt', amount_micro: 5_000_000 });
    const ofBolt = { max_tenants: 1 };
    expect(await valuesOf('hodei_budget_limit', ofBolt)).toEqual({ bolt: 10 });
    expect(await valuesOf('hodei_budget_threshold_ratio', ofBolt)).toEqual({
      'bolt warning': 0.5,
      'bolt critical': 0.95,
    });
    const { spent_micro: spent, committed_micro: committed } = await paid(getBudget, {
      tenant: 'bolt',
    });
    expect(await valuesOf('hodei_budget_spent', ofBolt)).toEqual({ bolt: spent / 1e6 });
    expect(await valuesOf('hodei_budget_committed', ofBolt)).toEqual({ bolt: committed / 1e6 });
    expect(spent).toBeGreaterThan(5_000_000);
    expect(Object.keys(await valuesOf('hodei_budget_limit'))).toEqual(['bolt', 'core']);
  });
});
