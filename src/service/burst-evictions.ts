import { stateAsOf, transition } from '../domain/job.ts';
import { overBy } from '../domain/quota.ts';
import type { BurstRow, JobRow, Key } from '../store/store.ts';
import { allowancesOf } from './allowances.ts';
import { endJob } from './job-changes.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { ancestorsOf, existing } from './tenant-lookup.ts';

/** So many jobs go in one operation; the next one goes on. */
const EVICTED_AT_ONCE = 100;

/**
 * Evicts the youngest of the jobs that would not have fitted without a session that is over, until
 * what it lifted fits again. @returns the session: done, or with more of them to go.
 */
export async function evictUnder(context: Context, burst: BurstRow): Promise<BurstRow> {
  const { tables } = context;
  const jobs = await tables.jobs.youngestUnder(burst.key, EVICTED_AT_ONCE);
  let isOver = true;
  for (const job of jobs) {
    const exceeded = await exceededBy(context, burst);
    isOver = exceeded.length > 0;
    if (!isOver) break;
    if (await isPartOf(context, job, burst, exceeded)) await evict(context, job, burst);
    // What is not part of it any more would be looked at again and again.
    else await tables.bursts.removeJobFrom(burst.key, job.key);
  }
  if (isOver && jobs.length === EVICTED_AT_ONCE) return burst;
  const done = { ...burst, isEvicting: false, version: burst.version + 1 };
  await tables.bursts.update(done);
  return done;
}

/** The resources that the session lifted and of which more is used than there may be without it. */
async function exceededBy(context: Context, { key, tenant, pool }: BurstRow): Promise<Key[]> {
  const { tables, now } = context;
  const lifts = await tables.bursts.lifts(key);
  const resources = (await tables.resources.list()).filter((row) =>
    lifts.some(({ resource }) => resource === row.key),
  );
  const { own } = await allowancesOf(
    context,
    await existing(tables, tenant),
    pool === null ? undefined : await existingPool(tables, pool),
    resources,
    await overdueAsOf(tables, now),
  );
  return own.filter((allowance) => overBy(allowance) > 0).map(({ resource }) => resource.key);
}

/** Whether it still stands where the session lifted something, and holds some of what is too much. */
async function isPartOf(
  { tables, now }: Context,
  job: JobRow,
  { tenant, pool }: BurstRow,
  exceeded: readonly Key[],
): Promise<boolean> {
  if (stateAsOf(job, now) !== 'admitted' || (pool !== null && job.pool !== pool)) return false;
  const own = await existing(tables, job.tenant);
  const line = [own, ...(await ancestorsOf(tables, own))];
  if (!line.some(({ key }) => key === tenant)) return false;
  const held = await tables.jobs.amounts(job.key);
  return held.some(({ resource }) => exceeded.includes(resource));
}

async function evict(context: Context, job: JobRow, { id: burst }: BurstRow): Promise<void> {
  const to = transition(job.state, 'evict');
  if (to !== 'evicted') throw new Error(`job ${job.id} is ${job.state}, and runs under a session`);
  await endJob(context, job, to, 'evict', { burst });
}
