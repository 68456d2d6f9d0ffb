import { examine } from '../domain/ceiling.ts';
import type { JobRow, Key, Place, ReservationRow, Tables } from '../store/store.ts';
import {
  chargesOf,
  isSharedLack,
  obstacleOf,
  type NotAdmitted,
  type Question,
} from './job-admission.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';
import { decideWaiting, inLineOf, questionOf, waitingJob, waitingRow } from './waiting.ts';

type At = Pick<Context, 'tables' | 'now'>;

const MINUTE_MS = 60_000;

/** From when on a job waits too long, in milliseconds; undefined where no room is kept for anybody. */
async function thresholdIn(tables: Tables): Promise<number | undefined> {
  const { enabled, starvationPrevention, starvationThresholdMinutes } = (
    await settingsInForce(tables)
  ).scheduling.fairQueuing;
  return enabled && starvationPrevention ? starvationThresholdMinutes * MINUTE_MS : undefined;
}

/** What shall be kept for whom, and what has to be done for that. */
interface Plan {
  readonly wanted: readonly ReservationRow[];
  /** What is kept and need not be any more. */
  readonly given: readonly ReservationRow[];
  readonly isNew: boolean;
  /** Where those wait who fit now in what is kept for them. */
  readonly ready: readonly Place[];
  /** Those who do not wait for what others hold any more. */
  readonly elsewhere: readonly Elsewhere[];
}

async function plan(at: At): Promise<Plan> {
  const before = await at.tables.reservations.list();
  const wanted: ReservationRow[] = [];
  const ready: Place[] = [];
  const elsewhere: Elsewhere[] = [];
  for (const looked of await starving(at, before)) {
    wanted.push(...looked.wanted);
    if (looked.isReady) ready.push(await waitingRow(at.tables, looked.job));
    if (looked.elsewhere !== undefined) elsewhere.push(looked.elsewhere);
  }
  const given = before.filter((row) => !wanted.some((other) => isSame(row, other)));
  const isNew = wanted.some((row) => !before.some((other) => isSame(row, other)));
  return { wanted, given, isNew, ready, elsewhere };
}

/** So many of a pool are passed over in favour of younger ones. */
const PASSED_OVER = 10;

/** Of each pool the oldest that has waited too long for room that others hold, behind those that do not. */
async function starving(at: At, before: readonly ReservationRow[]): Promise<Looked[]> {
  const { tables, now } = at;
  const threshold = await thresholdIn(tables);
  if (threshold === undefined) return [];
  const found: Looked[] = [];
  for (const oldest of await tables.waiting.oldestShared()) {
    let key: Key | undefined = oldest;
    for (let passed = 0; key !== undefined && passed <= PASSED_OVER; passed++) {
      const job = await waitingJob(tables, key);
      if (now - job.requestedAt < threshold) break;
      const looked = await lookAt(at, job, before);
      found.push(looked);
      if (looked.wanted.length > 0) break;
      key = await tables.waiting.nextShared(job.pool, key);
    }
  }
  return found;
}

/** What a job that has waited too long needs. */
interface Looked {
  readonly job: Key;
  /** What shall be kept for it: nothing where its own limits stand against it. */
  readonly wanted: readonly ReservationRow[];
  /** It fits now, in what is kept for it. */
  readonly isReady: boolean;
  readonly elsewhere: Elsewhere | undefined;
}

/** A job that waits for something else than what is written, and what stands against it. */
interface Elsewhere {
  readonly job: JobRow;
  readonly question: Question;
  readonly violations: NotAdmitted['violations'];
}

/** All that a job asks for, in each scope that lacks room for some of it. */
async function lookAt(at: At, job: JobRow, before: readonly ReservationRow[]): Promise<Looked> {
  const { tables } = at;
  const question = await questionOf(tables, job, await tables.resources.list());
  const { path, decision } = await decideWaiting(at, job, question);
  const none = { job: job.key, wanted: [], isReady: false, elsewhere: undefined };
  if (decision.outcome === 'admitted') {
    // Until it has started, nobody else gets what was kept for it.
    const wanted = before.filter((row) => row.job === job.key);
    return { ...none, wanted, isReady: wanted.length > 0 };
  }
  const { violations } = decision;
  const [first] = violations;
  if (first !== undefined && !isSharedLack(first, question.tenant)) {
    return { ...none, elsewhere: { job, question, violations } };
  }
  // While nothing starts in its pool, or nobody pays for it, others need not do without.
  const isHeld = violations.some(
    ({ requested, code }) => requested === null || code === 'over_budget',
  );
  if (decision.outcome === 'rejected' || isHeld) return none;
  const lacking = examine(path.ceilings, question.amounts).filter(({ overBy }) => overBy > 0);
  // What nobody could give back is not waited for at the cost of others.
  if (lacking.some(({ limit, requested }) => limit !== null && requested > limit)) return none;
  const scopes = new Set(lacking.flatMap(({ scope }) => scope.key ?? []));
  const wanted = [...scopes].flatMap((scope) =>
    chargesOf(question).map(({ resource, amount }) => {
      return { pool: job.pool, scope, resource, job: job.key, amount };
    }),
  );
  return { ...none, wanted };
}

/** Whether what is kept is not what shall be, or somebody fits in it. */
export async function areReservationsDue(at: At): Promise<boolean> {
  const { isNew, given, ready, elsewhere } = await plan(at);
  return isNew || given.length > 0 || ready.length > 0 || elsewhere.length > 0;
}

/**
 * Keeps room for those who have waited too long: one job a pool, the oldest, in exactly the scopes
 * that lack room for it. What is kept for a job that does not need it any more is given up.
 * @returns where there is more room now, and where those wait who fit in what is kept for them.
 */
export async function renewReservations(context: Context): Promise<readonly Place[]> {
  const { tables } = context;
  const { wanted, given, isNew, ready, elsewhere } = await plan(context);
  for (const each of elsewhere) await sendElsewhere(context, each);
  if (given.length === 0 && !isNew) return ready;
  const before = await tables.reservations.list();
  for (const job of new Set(before.map((row) => row.job))) await tables.reservations.remove(job);
  for (const row of wanted) await tables.reservations.insert(row);
  // What is kept for one lets pass another for whom room was kept already.
  return [...given, ...(await plan(context)).ready];
}

async function sendElsewhere(
  context: Context,
  { job, question, violations }: Elsewhere,
): Promise<void> {
  const { resources, waiting } = context.tables;
  const obstacle = await obstacleOf(context, question, violations, await resources.list());
  await waiting.update({ ...inLineOf(job), ...obstacle });
}

function isSame(a: ReservationRow, b: ReservationRow): boolean {
  return (
    a.job === b.job && a.scope === b.scope && a.resource === b.resource && a.amount === b.amount
  );
}

/** A job that waits no more needs no room to be kept. @returns where there is more room now. */
export async function forgetReservation(tables: Tables, job: Key): Promise<Place[]> {
  const kept = (await tables.reservations.list()).filter((row) => row.job === job);
  if (kept.length > 0) await tables.reservations.remove(job);
  return kept;
}

/** Gives up some of what is kept; where others may start then, is known to who says which. */
export async function giveUp(
  { reservations }: Tables,
  isOver: (row: ReservationRow) => Promise<boolean>,
): Promise<void> {
  for (const row of await reservations.list()) {
    if (!(await isOver(row))) continue;
    const others = (await reservations.list()).filter((each) => each.job === row.job);
    await reservations.remove(row.job);
    for (const other of others) if (!isSame(other, row)) await reservations.insert(other);
  }
}
