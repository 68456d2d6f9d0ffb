import { examine } from '../domain/admission.ts';
import type { JobRow, Key, Place, ReservationRow, Tables } from '../store/store.ts';
import { chargesOf } from './job-admission.ts';
import type { PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';
import { decideWaiting, questionOf, waitingJob } from './waiting.ts';

type At = Pick<Context, 'tables' | 'now'>;

const MINUTE_MS = 60_000;

/** From when on a job waits too long, in milliseconds; undefined where no room is kept for anybody. */
async function thresholdIn(tables: Tables): Promise<number | undefined> {
  const { enabled, starvationPrevention, starvationThresholdMinutes } = (
    await settingsInForce(tables)
  ).scheduling.fairQueuing;
  return enabled && starvationPrevention ? starvationThresholdMinutes * MINUTE_MS : undefined;
}

/** The oldest of each pool that has waited too long for room that others hold. */
async function starving({ tables, now }: At): Promise<JobRow[]> {
  const threshold = await thresholdIn(tables);
  if (threshold === undefined) return [];
  const found: JobRow[] = [];
  for (const key of await tables.waiting.oldestShared()) {
    const job = await waitingJob(tables, key);
    if (now - job.requestedAt >= threshold) found.push(job);
  }
  return found;
}

interface Plan {
  readonly wanted: readonly ReservationRow[];
  /** What is kept and need not be any more. */
  readonly given: readonly ReservationRow[];
  readonly isNew: boolean;
}

async function plan(at: At): Promise<Plan> {
  const before = await at.tables.reservations.list();
  const wanted: ReservationRow[] = [];
  for (const job of await starving(at)) wanted.push(...(await reservationOf(at, job)));
  const given = before.filter((row) => !wanted.some((other) => isSame(row, other)));
  const isNew = wanted.some((row) => !before.some((other) => isSame(row, other)));
  return { wanted, given, isNew };
}

/** Whether room shall be kept for somebody for whom it is not, or the other way round. */
export async function areReservationsDue(at: At): Promise<boolean> {
  const { given, isNew } = await plan(at);
  return isNew || given.length > 0;
}

/**
 * Keeps room for those who have waited too long: one job a pool, the oldest, in exactly the scopes
 * that lack room for it. What is kept for a job that does not need it any more is given up.
 * @returns where there is more room now.
 */
export async function renewReservations(context: Context): Promise<readonly Place[]> {
  const { reservations } = context.tables;
  const { wanted, given, isNew } = await plan(context);
  if (given.length === 0 && !isNew) return [];
  const before = await reservations.list();
  for (const job of new Set(before.map((row) => row.job))) await reservations.remove(job);
  for (const row of wanted) await reservations.insert(row);
  return given;
}

function isSame(a: ReservationRow, b: ReservationRow): boolean {
  return (
    a.job === b.job && a.scope === b.scope && a.resource === b.resource && a.amount === b.amount
  );
}

/** All that a job asks for, in each scope that lacks room for some of it; none where its own lack it. */
async function reservationOf(at: At, job: JobRow): Promise<ReservationRow[]> {
  const { tables } = at;
  const question = await questionOf(tables, job, await tables.resources.list());
  const { path, decision } = await decideWaiting(at, job, question);
  if (decision.outcome !== 'queued') return [];
  const lacking = examine(path.ceilings, question.amounts).filter(({ overBy }) => overBy > 0);
  const isOwn = ({ subject }: PathScope) => subject.tenant === job.tenant;
  if (lacking.some(({ scope }) => isOwn(scope))) return [];
  const scopes = new Set(lacking.flatMap(({ scope }) => scope.key ?? []));
  return [...scopes].flatMap((scope) =>
    chargesOf(question).map(({ resource, amount }) => {
      return { pool: job.pool, scope, resource, job: job.key, amount };
    }),
  );
}

/** A job that waits no more needs no room to be kept. @returns where there is more room now. */
export async function forgetReservation(tables: Tables, job: Key): Promise<Place[]> {
  const kept = (await tables.reservations.list()).filter((row) => row.job === job);
  if (kept.length > 0) await tables.reservations.remove(job);
  return kept;
}
