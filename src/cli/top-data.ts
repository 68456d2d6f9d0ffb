import { HodeiError, type ErrorCode } from '../domain/errors.ts';
import { listBursts, type BurstView } from '../service/bursts.ts';
import type { Call } from '../service/operation.ts';
import type { PoolView } from '../service/pool-view.ts';
import { getPool, listPools } from '../service/pools.ts';
import { listQueue, queueStatus, type QueuedJobView } from '../service/queue.ts';
import type { QueueStatus } from '../service/queue-status.ts';
import { topUsage } from '../service/usage.ts';
import type { UsageTop } from '../service/usage-top.ts';

/** What of it is asked for. */
export interface TopFilter {
  readonly tenant?: string | undefined;
  readonly pool?: string | undefined;
}

/** What there is to see; null is what the caller's role does not show. */
export interface TopData {
  readonly as_of: string;
  readonly usage: UsageTop | null;
  readonly pools: readonly PoolView[] | null;
  readonly queues: readonly QueueStatus[] | null;
  /** Whose turn it is next, in each pool in order. */
  readonly waiting: readonly QueuedJobView[] | null;
  readonly bursts: readonly BurstView[] | null;
}

/** So many of each are read: more than a screen has lines. */
const MOST = 100;
/** In so many pools it is looked who is next. */
const POOLS_LOOKED_INTO = 10;

/** Reads all of it as of about the same moment. @throws forbidden to who may see nothing of it. */
export async function readTop(call: Call, filter: TopFilter, now: number): Promise<TopData> {
  const [usage, pools, queues, bursts] = await Promise.all([
    unlessForbidden(usageOf(call, filter)),
    unlessForbidden(poolsOf(call, filter)),
    unlessForbidden(queuesOf(call, filter)),
    unlessForbidden(burstsOf(call, filter)),
  ]);
  const parts = [usage, pools, queues, bursts];
  const refused = parts.flatMap((part) => (part instanceof HodeiError ? [part] : []));
  if (refused[0] !== undefined && refused.length === parts.length) throw refused[0];
  const top = seen(usage);
  const lines = within(seen(queues), filter, top);
  return {
    as_of: new Date(now).toISOString(),
    usage: top,
    pools: seen(pools),
    queues: lines,
    waiting: lines === null ? null : await nextOf(call, lines, filter),
    bursts: seen(bursts),
  };
}

function seen<T>(part: T | HodeiError): T | null {
  return part instanceof HodeiError ? null : part;
}

async function unlessForbidden<T>(part: Promise<T>): Promise<T | HodeiError> {
  return unless(part, 'forbidden', (error) => error);
}

async function unless<T, U>(
  asked: Promise<T>,
  code: ErrorCode,
  instead: (error: HodeiError) => U,
): Promise<T | U> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof HodeiError && error.code === code) return instead(error);
    throw error;
  }
}

/** Where all stand under one, that one alone would say little. */
async function usageOf(call: Call, filter: TopFilter): Promise<UsageTop> {
  const top = await call(topUsage, { ...filter, limit: MOST });
  const [only, other] = top.tenants;
  if (filter.tenant !== undefined || only === undefined || other !== undefined) return top;
  return call(topUsage, { ...filter, tenant: only.tenant_id, limit: MOST });
}

async function poolsOf(call: Call, { pool }: TopFilter): Promise<PoolView[]> {
  if (pool !== undefined) return [await call(getPool, { pool })];
  // All that can be wrong with such a question is that pools are switched off.
  return unless(listEach(call(listPools, { limit: MOST })), 'invalid', () => []);
}

async function queuesOf(call: Call, { pool }: TopFilter): Promise<QueueStatus[]> {
  return listEach(call(queueStatus, { limit: MOST, ...(pool !== undefined && { pool }) }));
}

/** What ends first comes first. */
async function burstsOf(call: Call, { tenant, pool }: TopFilter): Promise<BurstView[]> {
  const filter = { ...(tenant !== undefined && { tenant }), ...(pool !== undefined && { pool }) };
  const active = await listEach(call(listBursts, { state: 'active', limit: MOST, ...filter }));
  return active.sort((a, b) => ((a.ends_at ?? '') < (b.ends_at ?? '') ? -1 : 1));
}

async function listEach<T>(page: Promise<{ readonly items: T[] }>): Promise<T[]> {
  return (await page).items;
}

/** Of the lines only what is of the tenant asked about, and of those below it. */
function within(
  queues: readonly QueueStatus[] | null,
  { tenant }: TopFilter,
  top: UsageTop | null,
): readonly QueueStatus[] | null {
  const name = top?.tenants[0]?.tenant;
  if (queues === null || tenant === undefined || name === undefined) return queues;
  return queues.flatMap((queue) => {
    const tenants = queue.tenants.filter(
      (each) => each.tenant === name || each.under.some((above) => above.tenant === name),
    );
    const waiting = tenants.reduce((sum, each) => sum + each.waiting, 0);
    // Since when the oldest of them waits, the line does not say.
    return waiting === 0 ? [] : [{ ...queue, tenants, waiting, oldest_since: null }];
  });
}

async function nextOf(
  call: Call,
  queues: readonly QueueStatus[],
  { tenant }: TopFilter,
): Promise<QueuedJobView[]> {
  const awaited = queues.filter(({ waiting }) => waiting > 0).slice(0, POOLS_LOOKED_INTO);
  const found = await Promise.all(
    awaited.map(async ({ pool, tenants }) => {
      // A pool may be gone since it was listed.
      const line = listEach(call(listQueue, { pool, limit: MOST }));
      const jobs = await unless(line, 'not_found', () => []);
      const ids = new Set(tenants.map((each) => each.tenant_id));
      return tenant === undefined ? jobs : jobs.filter((job) => ids.has(job.tenant_id));
    }),
  );
  return found
    .flat()
    .sort((a, b) => a.position - b.position || (a.pool < b.pool ? -1 : 1))
    .slice(0, MOST);
}
