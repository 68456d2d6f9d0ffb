import { describe, expect, it } from 'vitest';
import { getJob, listJobs } from '../../src/service/jobs.ts';
import { getPool, holdPool, resumePool, updatePool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { doors, useDoor, type ServiceBehindDoor } from '../helpers/doors.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';

const noEffects = { over: [], started: [] };

async function lastEvent(hodei: Pick<ServiceBehindDoor, 'events'>) {
  const event = (await hodei.events()).at(-1);
  const { operation, object } = event ?? {};
  const [before, after] = [event?.before, event?.after].map((text) => JSON.parse(text ?? 'null'));
  return { operation, object, before, after };
}

describe.each(doors)('an update of a pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('changes what it names and nothing else, with an event of what differs', async () => {
    const before = await makePool(call, 'gpu', { quotas: { max_jobs_per_tenant: 5 } });
    hodei.clock.advance(1_000);
    const after = await call(updatePool, {
      pool: 'gpu',
      name: 'GPU farm',
      max_size: 2,
      provider: 'aws',
      resources: { memory_mb: 512, cpu_m: 1_000 },
      quotas: { max_concurrent_jobs: 7 },
    });
    expect(after).toEqual({
      ...before,
      ...{ name: 'GPU farm', provider: 'aws', max_size: 2, size: 2 },
      resources: { cpu_m: 1_000, memory_mb: 512 },
      capacity: { cpu_m: 2_000, memory_mb: 1_024, jobs: 7 },
      quotas: { max_concurrent_jobs: 7, max_jobs_per_tenant: 5 },
      ...{ version: 2, updated_at: '2026-11-23T09:00:01.000Z', effects: noEffects },
    });
    expect(await lastEvent(hodei)).toEqual({
      ...{ operation: 'pool.update', object: 'gpu' },
      before: {
        ...{ name: 'gpu', max_size: 4, size: 4, provider: null },
        resources: { cpu_m: 9_000, gpu: 2 },
        quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 5 },
      },
      after: {
        ...{ name: 'GPU farm', max_size: 2, size: 2, provider: 'aws' },
        resources: { cpu_m: 1_000, memory_mb: 512 },
        quotas: { max_concurrent_jobs: 7, max_jobs_per_tenant: 5 },
      },
    });
  });

  it('takes away what it sets to null', async () => {
    await makePool(call, 'gpu', { provider: 'aws', quotas: { max_concurrent_jobs: 7 } });
    const quotas = { max_concurrent_jobs: null };
    expect(await call(updatePool, { pool: 'gpu', provider: null, quotas })).toMatchObject({
      provider: null,
      quotas,
    });
  });

  it('that is equal to what is changes no row, and leaves no event', async () => {
    await makePool(call, 'gpu', { name: 'GPU farm' });
    const read = await call(getPool, { pool: 'gpu' });
    const rows = dump(hodei.path);
    for (const input of [{}, { max_size: 4 }, { resources: { gpu: 2, cpu_m: 9_000 } }, read]) {
      const { promised: _, ...same } = read;
      expect(await call(updatePool, { ...input, pool: 'gpu' })).toEqual({
        ...same,
        effects: noEffects,
      });
    }
    expect(dump(hodei.path)).toEqual(rows);
  });

  it('may send back what was read, with what shall change', async () => {
    const read = await makePool(call, 'gpu');
    const smaller = await call(updatePool, { ...read, pool: 'gpu', max_size: 2 });
    expect(smaller).toMatchObject({ size: 2, capacity: { cpu_m: 18_000 } });
    const moving = { ...smaller, type: 'dynamic' as const, max_size: 9 };
    expect(await call(updatePool, { ...moving, pool: 'gpu' })).toMatchObject({ size: 2 });
  });

  it('is refused to who saw an older version', async () => {
    await makePool(call, 'gpu');
    await call(updatePool, { pool: 'gpu', max_size: 2 }, { ifVersion: 1 });
    const stale = call(updatePool, { pool: 'gpu', max_size: 3 }, { ifVersion: 1 });
    expect(await refusal(stale)).toMatchObject({
      code: 'stale_version',
      message: 'Pool gpu is at version 2, not 1.',
    });
  });

  it('does not rename, hold or resume', async () => {
    await makePool(call, 'gpu');
    expect(await refusal(call(updatePool, { pool: 'gpu', id: 'cpu' }))).toEqual({
      code: 'invalid',
      message: 'Pool gpu keeps its id: it cannot become "cpu".',
      hint: 'What people call it is its name. Another id is another pool: hodei pool create',
    });
    expect(await refusal(call(updatePool, { pool: 'gpu', status: 'held' }))).toEqual({
      code: 'invalid',
      message: 'status is not changed by an update.',
      hint: 'hodei pool hold gpu',
    });
    await call(updatePool, { pool: 'gpu', id: 'gpu', status: 'active' });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ version: 1 });
  });

  it.each([
    ['an empty name', { name: '' }, 'name: must not be empty'],
    ['a static size', { size: 2 }, 'A static pool always has max_size workers: gpu has 4, not 2.'],
    ['bounds that cross', { min_size: 5 }, 'min_size 5 is above max_size, which is 4.'],
    ['an unknown resource', { resources: { gpus: 1 } }, 'There is no resource "gpus".'],
    ['jobs', { resources: { jobs: 1 } }, 'jobs is nothing that a worker has.'],
    ['too many workers', { max_size: 1_000_001 }, 'max_size: must be a whole number'],
    ['too much', { resources: { gpu: 2 ** 51 + 1 } }, 'in each of 4 workers is above'],
    ['an unknown field', { sice: 2 }, 'unknown field "sice" (did you mean size?)'],
  ])('is refused with %s', async (_, fields, message) => {
    await makePool(call, 'gpu');
    const rows = dump(hodei.path);
    const refused = await refusal(call(updatePool, { pool: 'gpu', ...fields }));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
    expect(dump(hodei.path)).toEqual(rows);
  });

  it('is refused where more workers would have more than can be counted', async () => {
    await makePool(call, 'gpu', { max_size: 1, resources: { gpu: 2 ** 52 } });
    const refused = await refusal(call(updatePool, { pool: 'gpu', max_size: 2 }));
    expect(refused.message).toContain('gpu: 4503599627370496 in each of 2 workers is above');
  });

  it('keeps a dynamic pool within its bounds', async () => {
    const bounds = { type: 'dynamic' as const, min_size: 2, max_size: 10 };
    await makePool(call, 'spot', bounds);
    const size = async (fields: object) =>
      (await call(updatePool, { pool: 'spot', ...fields })).size;
    expect(await size({ size: 8 })).toBe(8);
    expect(await size({ max_size: 6 })).toBe(6);
    expect(await size({ min_size: 0 })).toBe(6);
    expect(await size({ size: 0 })).toBe(0);
    expect(await size({ min_size: 3 })).toBe(3);
    expect(await size({ type: 'static' })).toBe(6);
    expect(await size({ type: 'dynamic' })).toBe(6);
    expect((await refusal(size({ size: 7 }))).message).toContain('spot has 3 to 6 workers');
  });

  it('makes the pool that was there from the beginning one of an operator', async () => {
    expect(await call(getPool, { pool: 'default' })).toMatchObject({ source: 'built_in' });
    const same = await call(updatePool, { pool: 'default', max_size: 1 });
    expect(same).toMatchObject({ source: 'built_in', version: 1 });
    const after = await call(updatePool, { pool: 'default', max_size: 2 });
    expect(after).toMatchObject({ source: 'operator', size: 2 });
  });
});

describe.each(doors)('a pool of the config file ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const spot = { id: 'spot', type: 'dynamic' as const, min_size: 1, max_size: 5 };
  const apply = () =>
    call(applySettings, { resource_pools: { pools: [{ id: 'gpu', max_size: 2 }, spot] } });

  it('is changed there, but for the size of a dynamic one', async () => {
    await apply();
    const written = {
      code: 'conflict',
      hint: 'Change it there, then: hodei config apply',
    };
    for (const fields of [{ max_size: 3 }, { name: 'x' }, { resources: { gpu: 1 } }, { size: 1 }]) {
      expect(await refusal(call(updatePool, { pool: 'gpu', ...fields }))).toEqual({
        ...written,
        message: 'Pool gpu is written in the config file.',
      });
    }
    expect(await refusal(call(updatePool, { pool: 'spot', size: 2, max_size: 6 }))).toEqual({
      ...written,
      message: 'Pool spot is written in the config file.',
    });
    const grown = await call(updatePool, { pool: 'spot', size: 4 });
    expect(grown).toMatchObject({ size: 4, source: 'config', version: 2 });
    expect(await call(updatePool, { ...grown, pool: 'spot', size: 3 })).toMatchObject({ size: 3 });
    expect((await refusal(call(updatePool, { pool: 'spot', size: 6 }))).code).toBe('invalid');
  });

  it('can always be held and resumed', async () => {
    await apply();
    expect(await call(holdPool, { pool: 'gpu' })).toMatchObject({ status: 'held' });
    expect(await call(resumePool, { pool: 'gpu' })).toMatchObject({
      status: 'active',
      source: 'config',
    });
  });
});

describe.each(doors)('a held pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('starts nothing new until it is resumed, and what ran runs on', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu');
    await ask(call, 'gpu', 'a');
    expect(await call(holdPool, { pool: 'gpu' })).toMatchObject({ status: 'held', jobs: 1 });
    expect(await lastEvent(hodei)).toEqual({
      ...{ operation: 'pool.hold', object: 'gpu' },
      ...{ before: { status: 'active' }, after: { status: 'held' } },
    });
    expect(await ask(call, 'gpu', 'b')).toMatchObject({ state: 'queued', code: 'pool_held' });
    await call(updatePool, { pool: 'gpu', max_size: 8 });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ jobs: 1, waiting: 1 });
    const { effects, ...resumed } = await call(resumePool, { pool: 'gpu' });
    expect(resumed).toMatchObject({ status: 'active', jobs: 2, waiting: 0 });
    expect(effects).toEqual({
      over: [],
      started: [{ id: expect.any(String), job_id: 'b', tenant: 'acme', pool: 'gpu' }],
    });
    const operations = (await hodei.events()).slice(-2).map(({ operation }) => operation);
    expect(operations).toEqual(['pool.resume', 'job.promote']);
  });

  it('that is held once more is not changed, nor is an active one that is resumed', async () => {
    await makePool(call, 'gpu');
    const active = await call(resumePool, { pool: 'gpu' });
    expect(active).toMatchObject({ version: 1, effects: noEffects });
    const held = await call(holdPool, { pool: 'gpu' });
    const events = await hodei.events();
    expect(await call(holdPool, { pool: 'gpu' })).toEqual(held);
    expect(await hodei.events()).toEqual(events);
  });
});

describe.each(doors)('what follows from a change of a pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  /** Four cores in two jobs, and three that wait. */
  async function busy() {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu', { max_size: 4, resources: { cpu_m: 1_000 } });
    for (const job of ['a', 'b', 'c', 'd', 'e']) await ask(call, 'gpu', job, { cpu_m: 2_000 });
  }

  it('is what fits now, the oldest first', async () => {
    await busy();
    const { effects, ...pool } = await call(updatePool, { pool: 'gpu', max_size: 9 });
    expect(effects.started.map(({ job_id: job }) => job)).toEqual(['c', 'd']);
    expect(effects.over).toEqual([]);
    expect(pool).toMatchObject({ used: { cpu_m: 8_000 }, jobs: 4, waiting: 1 });
    expect(await call(getJob, { job: 'acme:c' })).toMatchObject({
      ...{ state: 'admitted', mark: 'promoted', claim_due: true },
    });
  });

  it('is what is over now, of every resource that the pool limits', async () => {
    await busy();
    const quotas = { max_concurrent_jobs: 1 };
    const { effects } = await call(updatePool, { pool: 'gpu', max_size: 3, quotas });
    const where = { tenant: null, pool: 'gpu' };
    expect(effects).toEqual({
      over: [
        { ...where, resource: 'cpu_m', limit: 3_000, used: 4_000, over_by: 1_000 },
        { ...where, resource: 'jobs', limit: 1, used: 2, over_by: 1 },
      ],
      started: [],
    });
    expect(await call(listJobs, { state: 'admitted' })).toMatchObject({
      items: [{ job_id: 'b' }, { job_id: 'a' }],
    });
  });

  it('is said by a dry run, which keeps nothing of it', async () => {
    await busy();
    const rows = dump(hodei.path);
    const dryRun = { dryRun: true };
    const larger = await call(updatePool, { pool: 'gpu', max_size: 9 }, dryRun);
    expect(larger.effects.started).toHaveLength(2);
    expect(larger).toMatchObject({ size: 9, used: { cpu_m: 8_000 } });
    const smaller = await call(updatePool, { pool: 'gpu', max_size: 3 }, dryRun);
    expect(smaller.effects.over).toMatchObject([{ resource: 'cpu_m', over_by: 1_000 }]);
    expect(dump(hodei.path)).toEqual(rows);
    expect(await call(updatePool, { pool: 'gpu', max_size: 9 })).toEqual(larger);
  });

  it('is a start also where a resource is limited no longer, or a job more is let in', async () => {
    await busy();
    await call(updatePool, { pool: 'gpu', quotas: { max_concurrent_jobs: 3 } });
    const open = await call(updatePool, { pool: 'gpu', resources: {} });
    expect(open.effects.started.map(({ job_id: job }) => job)).toEqual(['c']);
    const more = await call(updatePool, { pool: 'gpu', quotas: { max_concurrent_jobs: 4 } });
    expect(more.effects.started.map(({ job_id: job }) => job)).toEqual(['d']);
  });

  it('is a start where each tenant may have more jobs, unless it has a limit of its own', async () => {
    await makeFreeTenant(call, 'acme');
    await makeFreeTenant(call, 'beta');
    await makePool(call, 'gpu', { quotas: { max_jobs_per_tenant: 1 } });
    await call(setQuota, { tenant: 'beta', pool: 'gpu', max_concurrent_jobs: 1 });
    for (const tenant of ['acme', 'beta']) {
      for (const job of ['a', 'b', 'c']) await ask(call, 'gpu', job, { tenant });
    }
    const { effects } = await call(updatePool, {
      pool: 'gpu',
      quotas: { max_jobs_per_tenant: 2 },
    });
    expect(effects.started.map(({ tenant, job_id: job }) => `${tenant}:${job}`)).toEqual([
      'acme:b',
    ]);
    const unlimited = await call(updatePool, {
      pool: 'gpu',
      quotas: { max_jobs_per_tenant: null },
    });
    expect(unlimited.effects.started).toMatchObject([{ tenant: 'acme', job_id: 'c' }]);
  });
});
