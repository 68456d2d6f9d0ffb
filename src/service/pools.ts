import * as z from 'zod';
import { HodeiError, invalid } from '../domain/errors.ts';
import { sizeAfter, statusAsOf } from '../domain/pool.ts';
import { OPERATORS, READERS } from '../domain/role.ts';
import type { Settings } from '../domain/settings.ts';
import type { PoolRow, Tables } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { cutPage, decodeCursor } from './cursor.ts';
import { recordEvent } from './event-log.ts';
import { expectVersion, lazy, operation, type Context } from './operation.ts';
import { changePool, insertPool, removePool, requireFreePoolName } from './pool-changes.ts';
import { blankPool, defined, settableFields } from './pool-definition.ts';
import {
  heldPoolExample,
  poolEffectsExample,
  poolExample,
  poolRequestExample,
  promisedExample,
} from './pool-examples.ts';
import { hold, resume, verbOf } from './pool-hold.ts';
import { findPool, poolsAreOff } from './pool-lookup.ts';
import { placesInPool, placesWithRoom } from './pool-room.ts';
import {
  poolViews,
  viewChange,
  viewPool,
  viewPoolWithPromises,
  type PoolView,
} from './pool-view.ts';
import { promote, wake } from './promotion.ts';
import { pageInput, pageOutput } from './schemas/common.ts';
import {
  CreatePoolRequest,
  HoldPoolRequest,
  PoolChangeResponse,
  poolReference,
  PoolResponse,
  UpdatePoolRequest,
} from './schemas/pool.ts';
import { settingsInForce } from './settings-in-force.ts';

const poolOnly = lazy(() => z.strictObject({ pool: poolReference() }));

/** @throws invalid when pools are switched off. */
async function poolSettings(tables: Tables): Promise<Settings['resourcePools']> {
  const { resourcePools } = await settingsInForce(tables);
  if (!resourcePools.enabled) throw poolsAreOff();
  return resourcePools;
}

async function poolToRead({ tables }: Context, reference: string): Promise<PoolRow> {
  await poolSettings(tables);
  return findPool(tables, reference);
}

async function poolToChange(context: Context, reference: string): Promise<PoolRow> {
  const pool = await poolToRead(context, reference);
  expectVersion(context, pool.version, `Pool ${pool.name}`);
  return pool;
}

export const createPool = operation({
  name: 'pool.create',
  summary: 'Create a pool: what one worker has, and how many workers there are',
  method: 'POST',
  path: '/pools',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  status: 201,
  requestName: 'CreatePoolRequest',
  input: CreatePoolRequest,
  output: PoolResponse,
  example: {
    input: poolRequestExample,
    output: {
      ...poolExample,
      used: { cpu_m: 0, memory_mb: 0, gpu: 0, jobs: 0 },
      jobs: 0,
      waiting: 0,
    },
  },

  async run(context, { id, size, ...fields }) {
    const { tables, caller } = context;
    const { defaultPoolType } = await poolSettings(tables);
    await requireFreePoolName(tables, id);
    if (caller.ifVersion !== undefined) throw noVersionYet(id);
    const definition = defined(await catalogueOf(tables), blankPool(id, defaultPoolType), fields);
    const state = { ...definition, size: sizeAfter(definition, definition.minSize, size) };
    const pool = await insertPool(context, state, 'operator');
    await recordEvent(context, {
      operation: 'pool.create',
      tenant: null,
      object: id,
      before: null,
      after: settableFields(state),
    });
    return viewPool(context, pool);
  },
});

/** What does not exist is at no version: RFC 9110, 13.1.1. */
function noVersionYet(id: string): HodeiError {
  return new HodeiError('stale_version', `Pool ${id} does not exist yet, so it is at no version.`);
}

export const listPools = operation({
  name: 'pool.list',
  summary: 'List pools by id, page by page: what they have and what is used of it',
  method: 'GET',
  path: '/pools',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject(pageInput()),
  output: () => pageOutput(PoolResponse()),
  example: { input: { limit: 50 }, output: { items: [poolExample], next_cursor: null } },

  async run(context, { limit, cursor }) {
    const { tables } = context;
    await poolSettings(tables);
    const [after] = cursor === undefined ? [] : decodeCursor('pool', cursor, ['string']);
    const found = await tables.pools.list(after === undefined ? '' : String(after), limit + 1);
    const { rows, next } = cutPage(found, limit, 'pool', (last) => [last.name]);
    const view = await poolViews(context);
    const items: PoolView[] = [];
    for (const pool of rows) items.push(await view(pool));
    return { items, next_cursor: next };
  },
});

export const getPool = operation({
  name: 'pool.get',
  summary: 'Get a pool: what it has, what is used of it, and what is promised to tenants',
  method: 'GET',
  path: '/pools/{pool}',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: true,
  input: poolOnly,
  output: PoolResponse,
  example: { input: { pool: 'gpu' }, output: { ...poolExample, promised: promisedExample } },
  run: async (context, input) =>
    viewPoolWithPromises(context, await poolToRead(context, input.pool)),
});

export const updatePool = operation({
  name: 'pool.update',
  summary: 'Change a pool: its workers, what each has, how many jobs there may be',
  method: 'PUT',
  path: '/pools/{pool}',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'UpdatePoolRequest',
  input: () => UpdatePoolRequest().extend({ pool: poolReference() }),
  output: PoolChangeResponse,
  example: {
    input: { pool: 'gpu', max_size: 2 },
    output: {
      ...poolExample,
      ...{ max_size: 2, size: 2, version: 2 },
      capacity: { cpu_m: 18_000, memory_mb: 36_864, gpu: 4 },
      effects: { ...poolEffectsExample, started: [] },
    },
  },

  async run(context, input) {
    const pool = await poolToChange(context, input.pool);
    requireSame(context, pool, input);
    const saved = await changePool(context, pool, input);
    if (saved === pool) return viewChange(context, pool, []);
    const room = await placesWithRoom(context, pool, saved);
    return viewChange(context, saved, await promote(context, await wake(context.tables, room)));
  },
});

/** @throws invalid for what an update does not change. */
function requireSame(
  { now }: Context,
  pool: PoolRow,
  { id, status }: { id?: string | undefined; status?: PoolRow['status'] | undefined },
): void {
  if (id !== undefined && id !== pool.name) {
    throw invalid(
      `Pool ${pool.name} keeps its id: it cannot become "${id}".`,
      'What people call it is its name. Another id is another pool: hodei pool create',
    );
  }
  if (status !== undefined && status !== statusAsOf(pool, now)) {
    throw invalid(
      'status is not changed by an update.',
      `hodei pool ${verbOf(status)} ${pool.name}`,
    );
  }
}

export const deletePool = operation({
  name: 'pool.delete',
  summary: 'Delete a pool in which no job lives; its id can be used again',
  method: 'DELETE',
  path: '/pools/{pool}',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  status: 204,
  input: poolOnly,
  output: () => z.undefined(),
  example: { input: { pool: 'gpu' }, output: undefined },

  async run(context, input) {
    await removePool(context, await poolToChange(context, input.pool));
    return undefined;
  },
});

export const holdPool = operation({
  name: 'pool.hold',
  summary:
    'Hold a pool, until a time or until it is resumed: nothing new starts, what runs runs on',
  method: 'POST',
  path: '/pools/{pool}/hold',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'HoldPoolRequest',
  input: () => HoldPoolRequest().extend({ pool: poolReference() }),
  output: PoolResponse,
  example: {
    input: { pool: 'gpu', until: '2026-11-23T18:00:00Z' },
    output: heldPoolExample,
  },

  async run(context, input) {
    const pool = await poolToChange(context, input.pool);
    const until = input.until === undefined ? null : Date.parse(input.until);
    return viewPool(context, await hold(context, pool, until));
  },
});

export const resumePool = operation({
  name: 'pool.resume',
  summary: 'Resume a held pool: what waits for it starts, as far as it fits',
  method: 'POST',
  path: '/pools/{pool}/resume',
  roles: OPERATORS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  input: poolOnly,
  output: PoolChangeResponse,
  example: {
    input: { pool: 'gpu' },
    output: { ...poolExample, version: 3, effects: { ...poolEffectsExample, over: [] } },
  },

  async run(context, input) {
    const pool = await poolToChange(context, input.pool);
    const saved = await resume(context, pool);
    if (saved === pool) return viewChange(context, pool, []);
    const room = await wake(context.tables, await placesInPool(context, saved));
    return viewChange(context, saved, await promote(context, room));
  },
});
