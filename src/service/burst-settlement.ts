import { nextMomentOf } from '../domain/burst.ts';
import type { BurstRow, Tables } from '../store/store.ts';
import { announceEnd, beginBurst, closeBurst, endBurst } from './burst-changes.ts';
import { evictUnder } from './burst-evictions.ts';
import type { Context } from './operation.ts';
import { asSystem } from './system.ts';

/** Whether the time has come for a session, or some of its jobs have still to go. */
export async function areBurstsDue(tables: Tables, now: number): Promise<boolean> {
  return (await tables.bursts.due(now, 1)).length > 0;
}

/**
 * Does to sessions what their time has come for, also several things to one where nobody came for
 * long. Jobs are evicted only when none is overdue: one that has ended anyway makes room by itself.
 * @returns how many it did something to.
 */
export async function settleBursts(
  context: Context,
  limit: number,
  areJobsSettled: boolean,
): Promise<number> {
  const { tables, now } = context;
  const due = await tables.bursts.due(now, limit);
  for (const burst of due) {
    if (!burst.isEvicting) await advance(context, burst);
    else if (areJobsSettled) await evictUnder(context, burst);
  }
  return due.length;
}

/**
 * Does to one session what its time has come for, before somebody changes it: where more of them are
 * due than are settled at once, it may be among those that are left.
 */
export function settleBurst(context: Context, burst: BurstRow): Promise<BurstRow> {
  return advance(asSystem(context), burst);
}

/** What is deleted needs no more than it has: its sessions go with it. */
export async function dropBursts(context: Context, bursts: readonly BurstRow[]): Promise<void> {
  const { now, caller } = context;
  const saying = { ...context, caller: { ...caller, reason: caller.reason ?? 'it was deleted' } };
  for (const written of bursts) {
    const burst = await settleBurst(context, written);
    if (burst.state === 'active') {
      await endBurst(saying, burst, { operation: 'burst.end', at: now, by: caller.principal });
    } else if (burst.state === 'requested' || burst.state === 'approved') {
      await closeBurst(saying, burst, 'cancelled', now);
    }
  }
}

async function advance(context: Context, burst: BurstRow): Promise<BurstRow> {
  let current = burst;
  for (let moment = nextMomentOf(current); moment !== null && moment <= context.now;) {
    current = await step(context, current);
    moment = nextMomentOf(current);
  }
  return current;
}

async function step(context: Context, burst: BurstRow): Promise<BurstRow> {
  const { now } = context;
  const { state, endsAt, noticeAt, lapsesAt } = burst;
  if (state === 'requested') return closeBurst(context, burst, 'lapsed', lapsesAt);
  if (state === 'approved') return beginBurst(context, burst);
  if (endsAt === null) throw new Error(`session ${burst.id} is ${state} and has no end`);
  // Whose end has come is not told that it comes.
  if (noticeAt !== null && endsAt > now) return announceEnd(context, burst);
  return endBurst(context, burst, { operation: 'burst.expire', at: endsAt, by: null });
}
