import { invalid } from '../domain/errors.ts';
import { statusAsOf, type PoolStatus } from '../domain/pool.ts';
import type { PoolRow, Tables } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import type { Context } from './operation.ts';
import { toInstant } from './schemas/common.ts';

type Hold = Pick<PoolRow, 'status' | 'heldUntil' | 'heldReason'>;

const noHold: Hold = { status: 'active', heldUntil: null, heldReason: null };

/**
 * Holds a pool until a moment, null: until somebody resumes it. One that is held already stays so as
 * it is, but for what is said anew: an end, or a reason.
 * @throws invalid for a moment that has passed.
 */
export async function hold(
  context: Context,
  pool: PoolRow,
  heldUntil: number | null,
): Promise<PoolRow> {
  const { now, caller } = context;
  if (heldUntil !== null && heldUntil <= now) throw isOver(heldUntil, now);
  const present = statusAsOf(pool, now) === 'held' ? pool : noHold;
  return write(context, pool, {
    status: 'held',
    heldUntil: heldUntil ?? present.heldUntil,
    heldReason: caller.reason ?? present.heldReason,
  });
}

function isOver(until: number, now: number) {
  return invalid(
    `until: ${toInstant(until)} is over, it is ${toInstant(now)}.`,
    'Say a time that is to come, or none: then it is held until somebody resumes it.',
  );
}

/** Undoes a hold, whoever does it. */
export async function resume(context: Context, pool: PoolRow): Promise<PoolRow> {
  return write(context, pool, noHold);
}

/** Whether a pool is written as held although the time for that is over. */
export async function isResumeDue(tables: Tables, now: number): Promise<boolean> {
  return (await tables.pools.heldUntil(now)).length > 0;
}

/** Resumes the pools that were held until now. @returns them: others may start there. */
export async function resumeOverdue(context: Context): Promise<PoolRow[]> {
  const resumed: PoolRow[] = [];
  for (const pool of await context.tables.pools.heldUntil(context.now)) {
    resumed.push(await resume(context, pool));
  }
  return resumed;
}

/** What is equal to before is no change. */
async function write(context: Context, pool: PoolRow, next: Hold): Promise<PoolRow> {
  const [before, after] = [holdFields(pool), holdFields(next)];
  const fields = (['status', 'held_until', 'held_reason'] as const).filter(
    (field) => before[field] !== after[field],
  );
  if (fields.length === 0) return pool;
  const saved = { ...pool, ...next, version: pool.version + 1, updatedAt: context.now };
  await context.tables.pools.update(saved);
  const only = (of: typeof before) => Object.fromEntries(fields.map((field) => [field, of[field]]));
  await recordEvent(context, {
    operation: `pool.${verbOf(next.status)}`,
    tenant: null,
    object: pool.name,
    before: only(before),
    after: only(after),
  });
  return saved;
}

function holdFields({ status, heldUntil, heldReason }: Hold) {
  const until = heldUntil === null ? null : toInstant(heldUntil);
  return { status, held_until: until, held_reason: heldReason };
}

/** The same as of now, for who reads: when its time is over nothing of a hold is left. */
export function holdAsOf(pool: PoolRow, now: number) {
  return holdFields(statusAsOf(pool, now) === 'held' ? pool : noHold);
}

export function verbOf(status: PoolStatus): 'hold' | 'resume' {
  return status === 'held' ? 'hold' : 'resume';
}
