import type * as z from 'zod';
import { statusAsOf } from '../domain/pool.ts';
import type { InLine, PoolRow } from '../store/store.ts';
import type { Line } from './line.ts';
import type { Rival } from './line-tree.ts';
import { awaitedIn } from './obstacles.ts';
import type { Context } from './operation.ts';
import { oldestIn, openQueue, overWaiting } from './queue-order.ts';
import { toInstant } from './schemas/common.ts';
import type { QueueResponse } from './schemas/queue.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf, existing } from './tenant-lookup.ts';
import { waitingJob } from './waiting.ts';

export type QueueStatus = z.output<ReturnType<typeof QueueResponse>>;

type At = Pick<Context, 'tables' | 'now' | 'reach'>;

/** So many tenants are named. */
const NAMED = 50;

/** So many waiting jobs of one tenant are counted. */
const COUNTED = 1_000;

/** Who waits in a pool, as of now. */
export async function queueStatusOf(at: At, pool: PoolRow): Promise<QueueStatus> {
  const { tables, now } = at;
  const line = await openQueue(at, pool);
  const oldest = await oldestIn(at, pool);
  const next = await nextIn(at, line);
  const { resourcePools } = await settingsInForce(tables);
  const resources = line.measure.resources;
  return {
    pool: pool.name,
    strategy: line.strategy,
    status: resourcePools.enabled ? statusAsOf(pool, now) : 'active',
    waiting: await waitingIn(at, pool),
    oldest_since: oldest === undefined ? null : toInstant(oldest.requestedAt),
    next,
    reserved_for: await reservedFor(at, pool),
    units: Object.fromEntries(resources.map(({ name, unit }) => [name, unit])),
    ...(await tenantsIn(at, pool, line)),
  };
}

/** How many wait in a pool, as of now. */
export async function waitingIn(at: Omit<At, 'reach'>, pool: PoolRow): Promise<number> {
  const counted = await at.tables.waiting.countIn(pool.key);
  if (counted === 0) return 0;
  return counted - (await overWaiting(at)).filter((job) => job.pool === pool.key).length;
}

async function nextIn(at: At, line: Line): Promise<QueueStatus['next']> {
  const { tables } = at;
  const first = await line.first();
  if (first === undefined || !(await at.reach.includes(first.tenant))) return null;
  const job = await waitingJob(tables, first.job);
  return {
    ...{ id: job.id, job_id: job.jobId },
    tenant: (await existing(tables, job.tenant)).name,
    waiting_since: toInstant(job.requestedAt),
    waits_for: await (await awaitedIn(at))(job),
    why: await whyNext(line, first),
  };
}

type Why = NonNullable<QueueStatus['next']>['why'];

async function whyNext(line: Line, first: InLine): Promise<Why> {
  if (line.strategy === 'fifo') return 'age';
  if (line.strategy === 'priority') return 'priority';
  const contests = await line.contestsOf(first.tenant);
  const contested = contests.filter(({ rivals }) => rivals.length > 1);
  if (contested.length === 0) return 'alone';
  const isLess = contested.every(({ rivals: [one, other] }) => one?.share !== other?.share);
  return isLess ? 'share' : 'age';
}

async function reservedFor(
  { tables, now, reach }: At,
  pool: PoolRow,
): Promise<QueueStatus['reserved_for']> {
  const kept = (await tables.reservations.list()).find((row) => row.pool === pool.key);
  if (kept === undefined) return null;
  const job = await waitingJob(tables, kept.job);
  if (job.dueAt !== null && job.dueAt <= now) return null;
  if (!(await reach.includes(job.tenant))) return null;
  const tenant = await existing(tables, job.tenant);
  const { id, jobId, requestedAt } = job;
  return { id, job_id: jobId, tenant: tenant.name, since: toInstant(requestedAt) };
}

type TenantInLine = QueueStatus['tenants'][number];

/** One tenant after the other leaves the line, which has one job of each. */
async function tenantsIn(
  at: At,
  pool: PoolRow,
  line: Line,
): Promise<Pick<QueueStatus, 'tenants' | 'more_tenants'>> {
  const over = (await overWaiting(at)).filter((job) => job.pool === pool.key);
  const tenants: TenantInLine[] = [];
  let left = 0;
  for (let head = await line.first(); head !== undefined; head = await line.first()) {
    const { tenant } = head;
    const isSeen = await at.reach.includes(tenant);
    if (isSeen && tenants.length === NAMED) left += 1;
    else if (isSeen) {
      const late = over.filter((job) => job.tenant === tenant).length;
      const waiting = await at.tables.waiting.countOf(pool.key, tenant, COUNTED + late);
      tenants.push({ ...(await tenantInLine(at, line, head)), waiting: waiting - late });
    }
    line.remove(head);
  }
  return { tenants, more_tenants: left };
}

async function tenantInLine(
  { tables }: At,
  line: Line,
  head: InLine,
): Promise<Omit<TenantInLine, 'waiting'>> {
  const rival = await line.rivalOf(head.tenant, 'own');
  const { tenant, isOwn, share, weight } = rival;
  const job = await waitingJob(tables, head.job);
  const above: Rival[] = [];
  for (const { key } of await ancestorsOf(tables, tenant)) {
    above.unshift(await line.rivalOf(key, 'all'));
  }
  return {
    tenant: tenant.name,
    tenant_id: tenant.id,
    under: above.map((each) => ({ tenant: each.tenant.name, share: each.share })),
    is_own: isOwn,
    ...{ share, weight },
    dominant: dominantOf(line, rival),
    next: { id: job.id, job_id: job.jobId },
  };
}

/** Of what a rival has most. */
export function dominantOf({ measure }: Line, { dominant, used }: Rival) {
  const resource = dominant === undefined ? undefined : measure.resources[dominant];
  if (dominant === undefined || resource === undefined) return null;
  return {
    resource: resource.name,
    used: used[dominant] ?? 0,
    capacity: measure.capacities[dominant] ?? 0,
  };
}
