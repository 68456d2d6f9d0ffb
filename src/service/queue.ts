import * as z from 'zod';
import { READERS } from '../domain/role.ts';
import type { JobRow, PoolRow } from '../store/store.ts';
import { cutPage, decodeCursor, decodeNumber } from './cursor.ts';
import { namesIn } from './job-view.ts';
import { awaitedIn } from './obstacles.ts';
import { operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { queuedJobExample, queueStatusExample } from './queue-examples.ts';
import { inOrder } from './queue-order.ts';
import { queueStatusOf, waitingIn } from './queue-status.ts';
import { pageInput, pageOutput, toInstant } from './schemas/common.ts';
import { poolReference } from './schemas/pool.ts';
import { QueuedJobResponse, QueueResponse } from './schemas/queue.ts';

export type QueuedJobView = z.output<ReturnType<typeof QueuedJobResponse>>;

/** So far a line is walked: further back a place tells nobody anything. */
export const PLACES_LISTED = 10_000;

export const listQueue = operation({
  name: 'queue.list',
  summary: 'List the jobs that wait in a pool in the order of their turn, with what each waits for',
  method: 'GET',
  path: '/queues/{pool}/jobs',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ pool: poolReference(), ...pageInput() }),
  output: () =>
    pageOutput(QueuedJobResponse()).describe(
      'The cursor is a place in the line, which moves on meanwhile: what starts between two pages may ' +
        `hide a job from the second. The first ${PLACES_LISTED} places are listed; all that wait are ` +
        'in GET /jobs?state=queued.',
    ),
  example: {
    input: { pool: 'default', limit: 20 },
    output: { items: [queuedJobExample], next_cursor: null },
  },

  async run(context, { pool: reference, limit, cursor }) {
    const pool = await findPool(context.tables, reference);
    const before = decodeNumber('queue', cursor) ?? 0;
    const found = await placesAfter(context, pool, before, limit + 1);
    const { rows, next } = cutPage(found, limit, 'queue', (last) => [last.position]);
    const view = await queuedViews(context, pool);
    const items: QueuedJobView[] = [];
    for (const row of rows) items.push(await view(row));
    return { items, next_cursor: next };
  },
});

interface Placed {
  readonly position: number;
  readonly job: JobRow;
}

/** Those behind so many others, as far as the caller's reach goes. */
async function placesAfter(
  context: Context,
  pool: PoolRow,
  before: number,
  limit: number,
): Promise<Placed[]> {
  const found: Placed[] = [];
  if (before >= PLACES_LISTED) return found;
  let position = 0;
  for await (const job of inOrder(context, pool)) {
    position += 1;
    const isSeen = position > before && (await context.reach.includes(job.tenant));
    if (isSeen) found.push({ position, job });
    if (found.length === limit || position === PLACES_LISTED) break;
  }
  return found;
}

async function queuedViews(
  context: Context,
  pool: PoolRow,
): Promise<(placed: Placed) => Promise<QueuedJobView>> {
  const names = namesIn(context.tables);
  const awaited = await awaitedIn(context);
  return async ({ position, job }) => {
    const tenant = await names.tenant(job.tenant);
    return {
      ...{ position, id: job.id, job_id: job.jobId },
      ...{ tenant: tenant.name, tenant_id: tenant.id, pool: pool.name },
      priority: job.priority,
      resources: await names.amounts(job.key),
      waiting_since: toInstant(job.requestedAt),
      expires_at: job.dueAt === null ? null : toInstant(job.dueAt),
      waits_for: await awaited(job),
    };
  };
}

export const queueStatus = operation({
  name: 'queue.status',
  summary: 'Where jobs wait: whose turn it is and why, and the tenants by their shares',
  method: 'GET',
  path: '/queues',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      pool: poolReference().optional().describe('This one, also where nobody waits.'),
      ...pageInput(),
    }),
  output: () => pageOutput(QueueResponse()),
  example: {
    input: { limit: 20 },
    output: { items: [queueStatusExample], next_cursor: null },
  },

  async run(context, { pool, limit, cursor }) {
    if (pool !== undefined) {
      const only = await queueStatusOf(context, await findPool(context.tables, pool));
      return { items: [only], next_cursor: null };
    }
    const [after] = cursor === undefined ? [] : decodeCursor('queue', cursor, ['string']);
    const found = await poolsAwaited(context, after === undefined ? '' : String(after), limit + 1);
    const { rows, next } = cutPage(found, limit, 'queue', (last) => [last.name]);
    const items = [];
    for (const row of rows) items.push(await queueStatusOf(context, row));
    return { items, next_cursor: next };
  },
});

/** So many pools are read at once. */
const POOLS_READ = 500;

/** Pools after one of them, by id, in which somebody waits. */
async function poolsAwaited(context: Context, after: string, limit: number): Promise<PoolRow[]> {
  const found: PoolRow[] = [];
  for (let last = after; ;) {
    const pools = await context.tables.pools.list(last, POOLS_READ);
    for (const pool of pools) {
      if ((await waitingIn(context, pool)) > 0) found.push(pool);
      if (found.length === limit) return found;
    }
    const end = pools.at(-1);
    if (end === undefined || pools.length < POOLS_READ) return found;
    last = end.name;
  }
}
