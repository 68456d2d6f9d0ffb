import { stateAsOf } from '../domain/job.ts';
import type { Head, JobRow, Place, ResourceRow, Tables } from '../store/store.ts';
import { recommit, startOf } from './budget-use.ts';
import { burstsFor } from './burst-lifts.ts';
import { recordEvent } from './event-log.ts';
import { chargesOf, obstacleOf, type Decided, type Question } from './job-admission.ts';
import { charge } from './ledger.ts';
import type { Context } from './operation.ts';
import { openContest } from './promotion-contest.ts';
import { noticeCharge } from './quota-notices.ts';
import { forgetReservation } from './reservations.ts';
import { settingsInForce } from './settings-in-force.ts';
import {
  decideWaiting,
  inLineOf,
  questionOf,
  sendToDoor,
  setAside,
  waitingJob,
} from './waiting.ts';

/** A scope and resource where room may have appeared. */
export type Room = Place;

export function distinct(places: readonly Room[]): Room[] {
  const known = new Map(places.map((place) => [`${place.scope} ${place.resource}`, place]));
  return [...known.values()];
}

/** Of these places those at which somebody waits. */
export async function wake(tables: Tables, places: Iterable<Room>): Promise<Room[]> {
  if (!(await tables.waiting.isAny())) return [];
  const awaited: Room[] = [];
  for (const place of places) if (await tables.waiting.isAnyAt(place)) awaited.push(place);
  return awaited;
}

/**
 * Has those looked at who wait at these places, at the end of the group to which the operation
 * belongs: many that make room there do it once. Where somebody asks before, it is done then.
 */
export async function promoteLater(tables: Tables, places: Iterable<Room>): Promise<void> {
  for (const place of await wake(tables, places)) await tables.wakeups.put(place);
}

/** So many waiting jobs are looked at in one operation; the next one goes on. */
const LOOKED_AT = 100;

/** A job that was waiting and runs now. */
export interface Started {
  readonly job: JobRow;
  readonly question: Question;
}

/**
 * Admits what fits of those that wait where there is room now, in the order of the queue; one that
 * does not fit lets others pass, and waits from then on for what it lacks. So every look either starts
 * a job or takes it out of the way, and what is left of a place needs nothing but to be woken again:
 * by the next change. After a dry run there is none, so that it looks at all of them.
 */
export async function promote(context: Context, places: readonly Room[]): Promise<Started[]> {
  if (places.length === 0) return [];
  const { tables, caller } = context;
  const catalogue = await tables.resources.list();
  const contest = await openContest(context, places);
  const started: Started[] = [];
  for (let looks = 0; caller.dryRun === true || looks < LOOKED_AT; looks++) {
    const head = await contest.first();
    if (head === undefined) return started;
    const outcome = await look(context, head, catalogue);
    if (outcome === undefined) await contest.passed(head);
    else {
      await contest.started(head, outcome.question);
      started.push(outcome);
    }
  }
  for (const place of contest.placesLeft()) await tables.wakeups.put(place);
  return started;
}

/** Goes on with what earlier operations left to be looked at, and with what time may have allowed. */
export async function continuePromotion(context: Context): Promise<Started[]> {
  const { tables } = context;
  const left = await tables.wakeups.list(LOOKED_AT);
  for (const wakeup of left) await tables.wakeups.remove(wakeup);
  const asked = await askRulesAgain(context);
  return promote(context, distinct([...left, ...asked]));
}

/** The rules have changed: who was held back by one is looked at again. */
export async function askRulesNow(context: Context): Promise<void> {
  await context.tables.waiting.hasten(context.now);
  await continuePromotion(context);
}

/**
 * So few are asked about at once that all of them are looked at in the same operation: what is left to
 * be looked at stands before new requests, and a rule that still holds is no reason for that.
 */
const ASKED_AT_ONCE = LOOKED_AT / 2;

/** Who was held back by a rule joins those who wait for their turn; the rules are asked again then. */
async function askRulesAgain(context: Context): Promise<Room[]> {
  const { tables, now } = context;
  const doors: Room[] = [];
  for (const row of await tables.waiting.toLookAt(now, ASKED_AT_ONCE)) {
    doors.push(await sendToDoor(context, row));
  }
  return doors;
}

/** Admits a waiting job, or notes what it lacks now. */
async function look(
  context: Context,
  { job: key }: Pick<Head, 'job'>,
  catalogue: readonly ResourceRow[],
): Promise<Started | undefined> {
  const { tables, now } = context;
  const job = await waitingJob(tables, key);
  const question = await questionOf(tables, job, catalogue);
  const decided = await decideWaiting(context, job, question);
  const { decision } = decided;
  // Its time has run out: the next settlement says so.
  const isOver = stateAsOf(job, now) !== 'queued';
  if (decision.outcome === 'admitted') {
    if (!isOver) {
      await start(context, job, question, decided);
      return { job, question };
    }
    await setAside(tables, key);
    return undefined;
  }
  const obstacle = await obstacleOf(context, question, decision.violations, catalogue);
  await tables.waiting.update({ ...inLineOf(job), ...obstacle });
  return undefined;
}

async function start(
  context: Context,
  job: JobRow,
  question: Question,
  { path }: Decided,
): Promise<void> {
  const { tables, now } = context;
  const bursts = burstsFor(path.ceilings, question.amounts);
  const [burst] = bursts;
  const { jobs } = await settingsInForce(tables);
  await forgetReservation(tables, job.key);
  await tables.waiting.remove({ job: job.key, pool: job.pool });
  const charges = chargesOf(question);
  await charge(context, path, charges);
  for (const { key } of bursts) await tables.bursts.addJob(key, job.key);
  const started: JobRow = {
    ...job,
    state: 'admitted',
    admittedAt: now,
    dueAt: now + jobs.claimSeconds * 1000,
    mark: 'promoted',
    burst: burst?.key ?? null,
    isClaimDue: true,
    version: job.version + 1,
  };
  await tables.jobs.update(started);
  await recommit(context, started, [startOf(started, charges)]);
  await recordEvent(context, {
    operation: 'job.promote',
    tenant: question.tenant.id,
    object: job.id,
    before: { state: 'queued' },
    after: {
      state: 'admitted',
      claim_until: now + jobs.claimSeconds * 1000,
      ...(burst !== undefined && { burst: burst.id }),
    },
  });
  await noticeCharge(context, path, charges);
}
