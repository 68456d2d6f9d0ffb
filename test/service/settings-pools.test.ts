import { describe, expect, it } from 'vitest';
import { listJobs, releaseJob } from '../../src/service/jobs.ts';
import { createPool, getPool, holdPool, listPools, updatePool } from '../../src/service/pools.ts';
import { applySettings, getSettings } from '../../src/service/settings.ts';
import type { Call } from '../../src/service/operation.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';

interface Listed {
  readonly id: string;
  readonly [field: string]: unknown;
}

function applyTo(call: Call) {
  return (pools: Listed[], section: object = {}) =>
    call(applySettings, { resource_pools: { ...section, pools } });
}

const gpu = {
  id: 'gpu',
  max_size: 4,
  resources: { cpu_m: 9_000, gpu: 2 },
  quotas: { max_jobs_per_tenant: 5 },
};
const spot = { id: 'spot', type: 'dynamic', min_size: 2, max_size: 10 };

describe.each(doors)('the pools of the settings ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const apply = applyTo(call);
  const ids = async () =>
    (await call(listPools, {})).items.map(({ id, source }) => `${id} ${source}`);

  it('begin with one that limits nothing', async () => {
    expect(await call(getPool, { pool: 'default' })).toMatchObject({
      ...{ source: 'built_in', type: 'static', size: 1, resources: {}, capacity: {} },
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: null },
    });
  });

  it('are those that are listed, in place of the one that was there', async () => {
    await apply([gpu, spot]);
    expect(await ids()).toEqual(['gpu config', 'spot config']);
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      ...{ name: 'gpu', type: 'static', size: 4, resources: { cpu_m: 9_000, gpu: 2 }, version: 1 },
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 5 },
    });
    expect(await call(getPool, { pool: 'spot' })).toMatchObject({ type: 'dynamic', size: 2 });
  });

  it('leave no events beside that of the settings', async () => {
    const before = await hodei.events();
    await apply([gpu, spot]);
    const events = (await hodei.events()).slice(before.length);
    expect(events.map(({ operation }) => operation)).toEqual(['config.apply']);
  });

  it('are changed where they differ, and only there', async () => {
    await apply([gpu, spot]);
    hodei.clock.advance(1_000);
    await apply([{ ...gpu, name: 'GPU farm', max_size: 5 }, spot]);
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      ...{ name: 'GPU farm', size: 5, version: 2, updated_at: '2026-11-23T09:00:01.000Z' },
    });
    expect(await call(getPool, { pool: 'spot' })).toMatchObject({ version: 1 });
  });

  it('stay held, and a dynamic one as large as it is within its bounds', async () => {
    await apply([gpu, spot]);
    await call(holdPool, { pool: 'spot' });
    await call(updatePool, { pool: 'spot', size: 8 });
    await apply([gpu, { ...spot, provider: 'aws' }]);
    expect(await call(getPool, { pool: 'spot' })).toMatchObject({ status: 'held', size: 8 });
    await apply([gpu, { ...spot, max_size: 6 }]);
    expect(await call(getPool, { pool: 'spot' })).toMatchObject({ status: 'held', size: 6 });
    await apply([gpu, { ...spot, type: 'static', max_size: 7 }]);
    expect(await call(getPool, { pool: 'spot' })).toMatchObject({ status: 'held', size: 7 });
  });

  it('take over what an operator made of the same id, and leave the others alone', async () => {
    await makePool(call, 'gpu', { type: 'dynamic', max_size: 9, size: 3, provider: 'aws' });
    await makePool(call, 'own');
    await apply([{ ...gpu, type: 'dynamic' }]);
    expect(await ids()).toEqual(['gpu config', 'own operator']);
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      ...{ size: 3, max_size: 4, provider: null, version: 2 },
    });
    await apply([]);
    expect(await ids()).toEqual(['own operator']);
  });

  it('take over the one that was there where they list it', async () => {
    const { created_at: since } = await call(getPool, { pool: 'default' });
    hodei.clock.advance(1_000);
    await apply([{ ...gpu, id: 'default' }]);
    expect(await ids()).toEqual(['default config']);
    expect(await call(getPool, { pool: 'default' })).toMatchObject({ created_at: since, size: 4 });
  });

  it('are gone when they are no longer listed, and with the last one the first comes back', async () => {
    await apply([gpu, spot]);
    await apply([gpu]);
    expect(await ids()).toEqual(['gpu config']);
    await apply([]);
    expect(await ids()).toEqual(['default built_in']);
    await apply([gpu]);
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ version: 1 });
  });

  it('are refused where jobs live in one that is no longer listed, and nothing is applied', async () => {
    await apply([gpu, spot]);
    await makeFreeTenant(call, 'acme');
    await ask(call, 'spot', 'a');
    await ask(call, 'spot', 'b');
    const rows = dump(hodei.path);
    expect(await refusal(apply([{ ...gpu, max_size: 9 }]))).toEqual({
      code: 'conflict',
      message: '2 jobs live in pool spot, which the configuration does not list any more.',
      hint: 'Let nothing new start and wait for them to end, then apply it: hodei pool hold spot',
    });
    expect(dump(hodei.path)).toEqual(rows);
    await call(releaseJob, { job: 'acme:a' });
    await call(releaseJob, { job: 'acme:b' });
    await apply([{ ...gpu, max_size: 9 }]);
    expect(await ids()).toEqual(['gpu config']);
  });

  it('keep the one that was there while jobs live in it, or once somebody changed it', async () => {
    await makeFreeTenant(call, 'acme');
    await ask(call, 'default', 'a');
    await apply([gpu]);
    expect(await ids()).toEqual(['default built_in', 'gpu config']);
    await call(releaseJob, { job: 'acme:a' });
    await apply([gpu, spot]);
    expect(await ids()).toEqual(['gpu config', 'spot config']);
    await apply([]);
    await call(updatePool, { pool: 'default', max_size: 2 });
    await apply([gpu]);
    expect(await ids()).toEqual(['default operator', 'gpu config']);
  });

  it('have the resources of the same document', async () => {
    const resources = [{ name: 'license', unit: 'seats' }];
    const pools = [{ ...gpu, resources: { license: 3 } }];
    await call(applySettings, { resources, resource_pools: { pools } });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      capacity: { license: 12 },
      units: { license: 'seats' },
    });
    await apply([gpu]);
    await call(applySettings, { resources, resource_pools: { pools: [gpu] } });
    expect((await call(getPool, { pool: 'gpu' })).capacity).toEqual({ cpu_m: 36_000, gpu: 8 });
  });

  it('are what a dry run says they would be', async () => {
    const rows = dump(hodei.path);
    const input = { resource_pools: { pools: [gpu] } };
    const said = await call(applySettings, input, { dryRun: true });
    expect(dump(hodei.path)).toEqual(rows);
    expect(await call(applySettings, input)).toEqual(said);
  });

  it('can be applied as they were read', async () => {
    await apply([gpu, spot]);
    const rows = dump(hodei.path);
    await call(applySettings, await call(getSettings, {}));
    expect(dump(hodei.path)).toEqual(rows);
  });
});

describe.each(doors)('jobs that wait for a pool of the settings ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const apply = applyTo(call);
  const running = async () =>
    (await call(listJobs, { state: 'admitted' })).items.map(({ job_id: job }) => job).reverse();

  it('start when it becomes larger, after the event that says so', async () => {
    await makeFreeTenant(call, 'acme');
    await apply([{ ...gpu, max_size: 1 }]);
    for (const job of ['a', 'b', 'c']) await ask(call, 'gpu', job, { cpu_m: 9_000 });
    expect(await running()).toEqual(['a']);
    await apply([{ ...gpu, max_size: 2 }]);
    expect(await running()).toEqual(['a', 'b']);
    const operations = (await hodei.events()).slice(-3).map(({ operation }) => operation);
    expect(operations).toEqual(['config.apply', 'job.promote', 'quota.notice']);
  });

  it('start when each tenant may have more', async () => {
    await makeFreeTenant(call, 'acme');
    await apply([{ ...gpu, quotas: { max_jobs_per_tenant: 1 } }]);
    for (const job of ['a', 'b', 'c']) await ask(call, 'gpu', job);
    await apply([{ ...gpu, quotas: { max_jobs_per_tenant: 2 } }]);
    expect(await running()).toEqual(['a', 'b']);
  });

  it('start when pools are switched off, since they limit nothing then', async () => {
    await makeFreeTenant(call, 'acme');
    await apply([{ ...gpu, max_size: 1, quotas: { max_jobs_per_tenant: 2 } }]);
    await ask(call, 'gpu', 'a', { cpu_m: 9_000 });
    await ask(call, 'gpu', 'b', { cpu_m: 9_000 });
    await ask(call, 'gpu', 'c', { cpu_m: 0, gpu: 1 });
    await ask(call, 'gpu', 'd', { cpu_m: 0, gpu: 1 });
    expect(await running()).toEqual(['a', 'c']);
    await apply([{ ...gpu, max_size: 1, quotas: { max_jobs_per_tenant: 2 } }], { enabled: false });
    expect(await running()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe.each(doors)('pools that are switched off ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const apply = applyTo(call);

  it('leave one in which every job runs, and are there again when they are switched on', async () => {
    await makeFreeTenant(call, 'acme');
    await apply([gpu]);
    await apply([gpu], { enabled: false });
    expect(await ask(call, 'default', 'a', { cpu_m: 99_000 })).toMatchObject({
      ...{ state: 'admitted', pool: 'default' },
    });
    await apply([gpu]);
    const { items } = await call(listPools, {});
    expect(items).toMatchObject([
      { id: 'default', source: 'built_in', jobs: 1 },
      { id: 'gpu', source: 'config', version: 1 },
    ]);
  });

  it('are written all the same, so that switching them on is one change', async () => {
    await apply([gpu], { enabled: false });
    expect((await refusal(call(createPool, { id: 'own' }))).message).toBe(
      'Pools are switched off.',
    );
    await apply([{ ...gpu, max_size: 7 }], { enabled: false });
    await apply([{ ...gpu, max_size: 7 }]);
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ size: 7 });
  });
});
