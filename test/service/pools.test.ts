import { describe, expect, it } from 'vitest';
import { cancelJob, getJob, releaseJob } from '../../src/service/jobs.ts';
import {
  createPool,
  deletePool,
  getPool,
  holdPool,
  listPools,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

const units = { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' };
const nothing = { cpu_m: 0, memory_mb: 0, gpu: 0, jobs: 0 };

describe.each(doors)('a new pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is answered with everything that was said and everything that follows from it', async () => {
    const created = await call(createPool, {
      id: 'gpu',
      name: 'GPU farm',
      type: 'dynamic',
      min_size: 2,
      max_size: 10,
      size: 3,
      provider: 'on-premises',
      resources: { gpu: 2, cpu_m: 9000 },
      quotas: { max_concurrent_jobs: 20, max_jobs_per_tenant: 5 },
    });
    expect(created).toEqual({
      id: 'gpu',
      name: 'GPU farm',
      type: 'dynamic',
      status: 'active',
      held_until: null,
      held_reason: null,
      min_size: 2,
      max_size: 10,
      size: 3,
      provider: 'on-premises',
      resources: { cpu_m: 9000, gpu: 2 },
      quotas: { max_concurrent_jobs: 20, max_jobs_per_tenant: 5 },
      source: 'operator',
      capacity: { cpu_m: 27_000, gpu: 6, jobs: 20 },
      used: nothing,
      units,
      jobs: 0,
      waiting: 0,
      version: 1,
      created_at: '2026-11-23T09:00:00.000Z',
      updated_at: '2026-11-23T09:00:00.000Z',
    });
    expect(Object.keys(created.resources)).toEqual(['cpu_m', 'gpu']);
    const { promised, ...read } = await call(getPool, { pool: 'gpu' });
    expect(read).toEqual(created);
    expect(promised).toEqual(nothing);
  });

  it('is one static worker that limits nothing when nothing else is said', async () => {
    expect(await call(createPool, { id: 'gpu' })).toMatchObject({
      ...{ name: 'gpu', type: 'static', min_size: 1, max_size: 1, size: 1, provider: null },
      ...{ resources: {}, capacity: {} },
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: null },
    });
  });

  it('is of the type that the settings say, and a dynamic one begins with its fewest workers', async () => {
    await call(applySettings, { resource_pools: { default_pool_type: 'dynamic' } });
    const sizes = { min_size: 2, max_size: 10 };
    expect(await call(createPool, { id: 'a', ...sizes })).toMatchObject({
      type: 'dynamic',
      size: 2,
    });
    expect(await call(createPool, { id: 'b', ...sizes, type: 'static' })).toMatchObject({
      type: 'static',
      size: 10,
    });
  });

  it('leaves one event, with who did it and why', async () => {
    await makePool(hodei.as({ actingAs: 'ben', reason: 'new racks' }), 'gpu');
    const [event, ...more] = (await hodei.events()).slice(1);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      principal: hodei.principal,
      ...{ actingAs: 'ben', reason: 'new racks', operation: 'pool.create' },
      ...{ tenant: null, object: 'gpu', before: null },
    });
    expect(JSON.parse(event?.after ?? '')).toEqual({
      name: 'gpu',
      type: 'static',
      min_size: 1,
      max_size: 4,
      size: 4,
      provider: null,
      resources: { cpu_m: 9000, gpu: 2 },
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: null },
    });
  });

  it('is refused where its id is taken, and at any version', async () => {
    await makePool(call, 'gpu');
    expect(await refusal(makePool(call, 'gpu'))).toEqual({
      code: 'conflict',
      message: 'A pool named gpu exists already.',
      hint: 'Change it: hodei pool update gpu',
    });
    const seen = call(createPool, { id: 'cpu' }, { ifVersion: 1 });
    expect((await refusal(seen)).code).toBe('stale_version');
  });

  it.each([
    ['no id', { id: undefined }, 'id is missing'],
    ['an id with capitals', { id: 'GPU' }, 'Did you mean gpu?'],
    ['an id with a dot', { id: 'gpu.a' }, 'Did you mean gpu-a?'],
    ['an empty id', { id: '' }, "a pool's id has 1 to 63"],
    ['an empty name', { name: ' ' }, 'name: must not be empty'],
    ['a name that a terminal would obey', { name: '\u001b[2J' }, 'name: must not contain control'],
    ['a type that there is not', { type: 'elastic' }, 'type: must be static or dynamic'],
    ['a size below 0', { max_size: -1 }, 'max_size: must be a whole number from 0 to 1000000'],
    ['a size above a million', { max_size: 1_000_001 }, 'max_size: must be a whole number'],
    ['a size as text', { max_size: '4' }, 'max_size: must be a whole number'],
    ['bounds that cross', { min_size: 3, max_size: 2 }, 'min_size 3 is above max_size, which is 2'],
    ['another size of a static one', { max_size: 4, size: 2 }, 'make it dynamic: --type dynamic'],
    [
      'a size out of its bounds',
      { type: 'dynamic', max_size: 4, size: 5 },
      'gpu has 1 to 4 workers, and 5 is outside of that',
    ],
    ['a resource that is not there', { resources: { gpus: 1 } }, 'Did you mean gpu?'],
    ['a resource as people say it', { resources: { cpu: 1 } }, 'Did you mean cpu_m?'],
    ['jobs as a resource', { resources: { jobs: 1 } }, 'quotas.max_concurrent_jobs'],
    [
      'a limit of jobs as a resource',
      { resources: { max_concurrent_jobs: 1 } },
      'limited by quotas.max_concurrent_jobs',
    ],
    ['half a core', { resources: { cpu_m: 0.5 } }, 'resources.cpu_m: must be a whole number'],
    [
      'more than can be counted',
      { max_size: 2, resources: { gpu: 2 ** 52 } },
      'gpu: 4503599627370496 in each of 2 workers is above 9007199254740991',
    ],
    [
      'a limit below 0',
      { quotas: { max_concurrent_jobs: -1 } },
      'quotas.max_concurrent_jobs: must be a whole number',
    ],
    ['a field that does not exist', { max_sise: 2 }, 'did you mean max_size?'],
    ['a status of its own', { status: 'held' }, 'unknown field "status"'],
  ])('is refused with %s', async (_, fields, message) => {
    const refused = await refusal(call(createPool, { id: 'gpu', ...fields } as never));
    expect(refused.code).toBe('invalid');
    expect(`${refused.message} ${refused.hint ?? ''}`).toContain(message);
    expect(await hodei.events()).toHaveLength(1);
  });

  it('does not suggest the limit of jobs where a resource is meant', async () => {
    const refused = await refusal(makePool(call, 'gpu', { resources: { zebra: 1 } }));
    expect(refused.hint).toBe('There are: cpu_m, memory_mb, gpu.');
  });
});

describe.each(doors)('what is used of a pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is what its jobs hold, and who runs and waits is counted', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu');
    await ask(call, 'gpu', 'a', { cpu_m: 20_000, gpu: 3 });
    await ask(call, 'gpu', 'b', { cpu_m: 10_000, memory_mb: 512 });
    await ask(call, 'gpu', 'c', { cpu_m: 10_000 });
    await ask(call, 'default', 'd', { cpu_m: 1_000 });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      capacity: { cpu_m: 36_000, gpu: 8 },
      used: { cpu_m: 30_000, memory_mb: 512, gpu: 3, jobs: 2 },
      jobs: 2,
      waiting: 1,
    });
    await call(releaseJob, { job: 'acme:a' });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      used: { cpu_m: 20_000, memory_mb: 512, gpu: 0, jobs: 2 },
      waiting: 0,
    });
  });

  it('does not include jobs whose time has run out, although nothing was written since', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu', { quotas: { max_concurrent_jobs: 1 } });
    await ask(call, 'gpu', 'a', { cpu_m: 20_000, ttl_seconds: 60 });
    await ask(call, 'gpu', 'b', { cpu_m: 20_000, queue_ttl_seconds: 60 });
    hodei.clock.advance(60_000);
    const seen = { used: nothing, jobs: 0, waiting: 0 };
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject(seen);
    expect((await call(listPools, {})).items.at(-1)).toMatchObject(seen);
  });

  it('is said beside what is promised: the limits of all roots together', async () => {
    await makePool(call, 'gpu');
    await makeTenant(call, 'eng', { quota: { cpu_m: 40_000, gpu: null } });
    await makeTenant(call, 'web', { parent: 'eng', quota: { cpu_m: 30_000 } });
    await makeTenant(call, 'ops', { quota: { cpu_m: 8_000 } });
    await call(setQuota, { tenant: 'ops', pool: 'gpu', cpu_m: 1_000 });
    expect((await call(getPool, { pool: 'gpu' })).promised).toEqual({
      ...{ cpu_m: 41_000, memory_mb: 16_384, gpu: null, jobs: 20 },
    });
  });

  it('is without what left the catalogue, and with it again when that is back', async () => {
    const resources = [{ name: 'license' }];
    await call(applySettings, { resources });
    await makePool(call, 'gpu', { resources: { license: 3 } });
    await call(applySettings, {});
    const without = await call(getPool, { pool: 'gpu' });
    expect(JSON.stringify(without)).not.toContain('license');
    await call(applySettings, { resources });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({
      resources: { license: 3 },
      capacity: { license: 12 },
    });
  });
});

describe.each(doors)('a list of pools ($name call)', (door) => {
  const { call } = useDoor(door);

  it('has all of them by id, page by page', async () => {
    for (const id of ['gpu', 'cpu', 'spot', 'big']) await makePool(call, id);
    const pages: string[][] = [];
    for await (const page of everyPage((after) => call(listPools, { limit: 2, ...after }))) {
      pages.push(page.items.map(({ id }) => id));
    }
    expect(pages).toEqual([['big', 'cpu'], ['default', 'gpu'], ['spot']]);
    const [first] = (await call(listPools, { limit: 1 })).items;
    const { promised: _, ...big } = await call(getPool, { pool: 'big' });
    expect(first).toEqual(big);
  });

  it('goes on after a pool that was deleted meanwhile', async () => {
    for (const id of ['a', 'b', 'c']) await makePool(call, id);
    const { next_cursor: cursor } = await call(listPools, { limit: 2 });
    await call(deletePool, { pool: 'b' });
    const { items } = await call(listPools, { cursor: cursor ?? '' });
    expect(items.map(({ id }) => id)).toEqual(['c', 'default']);
  });

  it('refuses the cursor of another list', async () => {
    expect((await refusal(call(listPools, { cursor: 'WyJuYW1lIiwiYSJd' }))).code).toBe('invalid');
  });
});

describe.each(doors)('a deleted pool ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is gone, its id is free, and a new one of that id begins anew', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu');
    await ask(call, 'gpu', 'a', { cpu_m: 1_000 });
    await call(releaseJob, { job: 'acme:a' });
    await call(deletePool, { pool: 'gpu' });
    expect(await refusal(call(getPool, { pool: 'gpu' }))).toMatchObject({ code: 'not_found' });
    expect((await hodei.events()).at(-1)).toMatchObject({
      ...{ operation: 'pool.delete', tenant: null, object: 'gpu', after: null },
    });
    expect(JSON.parse((await hodei.events()).at(-1)?.before ?? '')).toMatchObject({
      ...{ max_size: 4, resources: { cpu_m: 9000, gpu: 2 }, status: 'active' },
    });
    expect(await makePool(call, 'gpu', { max_size: 1 })).toMatchObject({ version: 1, size: 1 });
    expect(await call(getJob, { job: 'acme:a' })).toMatchObject({ pool: 'gpu', state: 'released' });
  });

  it('is refused while jobs live in it, with their number and an example', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu', { quotas: { max_concurrent_jobs: 1 } });
    const refused = () => refusal(call(deletePool, { pool: 'gpu' }));
    await ask(call, 'gpu', 'a');
    const hint = 'Let nothing new start, then release or cancel them: hodei pool hold gpu';
    expect(await refused()).toEqual({
      code: 'conflict',
      message: '1 job lives in pool gpu, such as a of acme.',
      hint,
    });
    await ask(call, 'gpu', 'b');
    expect((await refused()).message).toBe('2 jobs live in pool gpu, such as b of acme.');
    await call(cancelJob, { job: 'acme:b' });
    await call(releaseJob, { job: 'acme:a' });
    await call(deletePool, { pool: 'gpu' });
    expect((await refusal(call(getPool, { pool: 'gpu' }))).code).toBe('not_found');
  });

  it('may be the one that was there from the beginning, but never the last one', async () => {
    expect(await refusal(call(deletePool, { pool: 'default' }))).toEqual({
      code: 'conflict',
      message: 'default is the last pool there is, and every job runs in one.',
      hint: 'Create another one first: hodei pool create …',
    });
    await makePool(call, 'gpu');
    await call(deletePool, { pool: 'default' });
    expect((await call(listPools, {})).items.map(({ id }) => id)).toEqual(['gpu']);
  });

  it('is not the one that somebody changed meanwhile', async () => {
    await makePool(call, 'gpu');
    const stale = call(deletePool, { pool: 'gpu' }, { ifVersion: 2 });
    expect(await refusal(stale)).toMatchObject({
      code: 'stale_version',
      message: 'Pool gpu is at version 1, not 2.',
    });
  });
});

describe.each(doors)('a pool that is not there ($name call)', (door) => {
  const { call } = useDoor(door);

  it('is answered with the nearest that is', async () => {
    await makePool(call, 'gpu');
    for (const attempt of [
      () => call(getPool, { pool: 'gpus' }),
      () => call(updatePool, { pool: 'gpus', max_size: 1 }),
      () => call(holdPool, { pool: 'gpus' }),
      () => call(resumePool, { pool: 'gpus' }),
      () => call(deletePool, { pool: 'gpus' }),
    ]) {
      expect(await refusal(attempt())).toEqual({
        code: 'not_found',
        message: 'Pool not found: gpus',
        hint: 'Did you mean gpu?',
      });
    }
    expect((await refusal(call(getPool, { pool: 'zebra' }))).hint).toBe(
      'See which there are: hodei pool list',
    );
  });

  it.each(['', '.', '..'])('cannot be "%s"', async (pool) => {
    expect(await refusal(call(getPool, { pool }))).toEqual({
      code: 'invalid',
      message: `pool: must not be "${pool}"`,
    });
  });
});

describe.each(doors)('pools that are switched off ($name call)', (door) => {
  const { call } = useDoor(door);

  it('are not listed, read or changed', async () => {
    await makePool(call, 'gpu');
    await call(applySettings, { resource_pools: { enabled: false } });
    for (const attempt of [
      () => call(listPools, {}),
      () => call(getPool, { pool: 'gpu' }),
      () => call(createPool, { id: 'cpu' }),
      () => call(updatePool, { pool: 'gpu', max_size: 1 }),
      () => call(holdPool, { pool: 'gpu' }),
      () => call(resumePool, { pool: 'gpu' }),
      () => call(deletePool, { pool: 'gpu' }),
    ]) {
      expect(await refusal(attempt())).toMatchObject({
        code: 'invalid',
        message: 'Pools are switched off.',
      });
    }
    await call(applySettings, {});
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ version: 1, size: 4 });
  });
});
