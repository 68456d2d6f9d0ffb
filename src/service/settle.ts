import { transition } from '../domain/job.ts';
import type { JobRow, Tables } from '../store/store.ts';
import { areBudgetsDue, judgeDueBudgets } from './budget-alerts.ts';
import { areBurstsDue, settleBursts } from './burst-settlement.ts';
import { endJob } from './job-changes.ts';
import type { Context } from './operation.ts';
import { isResumeDue, resumeOverdue } from './pool-hold.ts';
import { placesInPool } from './pool-room.ts';
import { continuePromotion, distinct, promote, promoteLater } from './promotion.ts';
import { areReservationsDue, renewReservations } from './reservations.ts';
import { asSystem } from './system.ts';
import { isRollupDue, rollUp } from './usage-rollup.ts';

/** So many leases are settled with one change; what is left waits for the next one. */
const SETTLED_AT_ONCE = 200;

/** Whether something is overdue, or was left to be promoted. */
export async function isSettlementDue(tables: Tables, now: number): Promise<boolean> {
  if ((await tables.jobs.due(now, 1)).length > 0) return true;
  if (await areBurstsDue(tables, now)) return true;
  if (await isResumeDue(tables, now)) return true;
  if (await isRollupDue(tables)) return true;
  if (await areBudgetsDue(tables, now)) return true;
  if (!(await tables.waiting.isAny())) return false;
  if (await tables.wakeups.isAny()) return true;
  if ((await tables.waiting.toLookAt(now, 1)).length > 0) return true;
  return areReservationsDue({ tables, now });
}

/**
 * What every change does first: ends what is overdue, begins and ends burst sessions, resumes the
 * pools whose time is over, looks at budgets, and goes on promoting what may fit.
 * @returns how many jobs and sessions it settled; 0 when nothing is left.
 */
export async function settle(context: Context, limit = SETTLED_AT_ONCE): Promise<number> {
  const { tables, now } = context;
  const due = await tables.jobs.due(now, limit);
  for (const job of due) await expire(context, job);
  const system = asSystem(context);
  const bursts = await settleBursts(system, limit, due.length < limit);
  for (const pool of await resumeOverdue(system)) {
    await promoteLater(tables, await placesInPool(context, pool));
  }
  if (await isRollupDue(tables)) await rollUp(tables);
  await judgeDueBudgets(system);
  await continuePromotion(system);
  // Last, when everybody waits for what it lacks now.
  await promote(system, distinct(await renewReservations(system)));
  return due.length + bursts;
}

/** At the end of a group: looks at those who wait where the group has made room. */
export async function promoteWoken(context: Context): Promise<void> {
  await continuePromotion(asSystem(context));
}

/** Ends a job whose time has run out, whoever comes across it. */
export async function expire(context: Context, job: JobRow): Promise<void> {
  const to = transition(job.state, 'expire');
  if (to !== 'expired') throw new Error(`job ${job.id} is ${job.state} and has a due time`);
  await endJob(asSystem(context), job, to, 'expire');
}

/** While leases are overdue, so many of them are settled for the sake of one call. */
const SETTLED_FOR_ONE = 2_000;

/** Asks anew while something is overdue that could change the answer; a last one is not asked again. */
export async function askSettled<T>(
  context: Context,
  ask: () => Promise<T>,
  isLast: (answer: T) => boolean,
): Promise<T> {
  const { tables, now } = context;
  let answer = await ask();
  for (let settled = 0; settled < SETTLED_FOR_ONE && !isLast(answer);) {
    if (!(await isSettlementDue(tables, now))) break;
    const ended = await settle(context);
    answer = await ask();
    // What was only left to be promoted was gone on with; the rest is for the next change.
    if (ended === 0) break;
    settled += ended;
  }
  return answer;
}
