import type { Violation } from '../domain/admission.ts';
import { stateAsOf } from '../domain/job.ts';
import type { JobRow, Key, Place, ResourceRow, Tables } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import { chargesOf, decideOn, placeOf, type Decided, type Question } from './job-admission.ts';
import { charge, scopeKeyOf, type PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

/** A scope and resource where room may have appeared. */
export type Room = Place;

export function distinct(places: readonly Room[]): Room[] {
  const known = new Map(places.map((place) => [`${place.scope} ${place.resource}`, place]));
  return [...known.values()];
}

/** Of these places those at which somebody waits. */
export async function wake(tables: Tables, places: Iterable<Room>): Promise<Room[]> {
  if (!(await tables.jobs.isAnyQueued())) return [];
  const awaited: Room[] = [];
  for (const place of places) {
    const [first] = await tables.jobs.blockedAt(place.scope, place.resource, 0, 1);
    if (first !== undefined) awaited.push(place);
  }
  return awaited;
}

/** So many waiting jobs are looked at in one operation; the next one goes on. */
const LOOKED_AT = 100;

/** A job that was waiting and runs now. */
export interface Started {
  readonly job: JobRow;
  readonly question: Question;
}

/** Jobs to be looked at, the oldest first. */
interface Line {
  /** The place with room at which they wait; undefined where they wait at several. */
  readonly place: Room | undefined;
  next: JobRow | undefined;
  readonly following: (after: Key) => Promise<JobRow | undefined>;
}

/**
 * Admits what fits of those that wait where there is room now, the oldest first; one that does not
 * fit lets younger ones pass. What was not looked at is remembered, and looked at with the next
 * change; after a dry run there is none, so that it looks at all of them.
 * @param strays jobs to be looked at beside these, wherever they wait, in the order of their age.
 */
export async function promote(
  context: Context,
  places: readonly Room[],
  strays: readonly JobRow[] = [],
): Promise<Started[]> {
  const { tables, caller } = context;
  if (places.length === 0 && strays.length === 0) return [];
  const lines = [...(await openLines(tables, places)), lineOf(strays)];
  const started: Started[] = [];
  const catalogue = await tables.resources.list();
  for (let looks = 0; caller.dryRun === true || looks < LOOKED_AT; looks++) {
    const job = oldest(lines);
    if (job === undefined) return started;
    const question = await questionOf(tables, job, catalogue);
    const outcome = await tryToStart(context, job, question, catalogue);
    if (outcome === 'started') started.push({ job, question });
    for (const line of lines) {
      if (isSame(line.place, outcome)) line.next = undefined;
      else if (line.next?.key === job.key) line.next = await line.following(job.key);
    }
  }
  for (const line of lines) await remember(context, line, catalogue);
  return started;
}

/** What is left of a line is looked at with the next change. */
async function remember(
  context: Context,
  { place, next, following }: Line,
  catalogue: readonly ResourceRow[],
): Promise<void> {
  const { tables } = context;
  if (next === undefined) return;
  if (place !== undefined) return tables.wakeups.put({ ...place, afterJob: next.key - 1 });
  for (let job: JobRow | undefined = next; job !== undefined; job = await following(job.key)) {
    const blocked = await doorOf(context, job, catalogue);
    await tables.jobs.update({ ...job, blocked });
    await tables.wakeups.put({ ...blocked, afterJob: job.key - 1 });
  }
}

/** Where a job waits of which it is not known yet what it lacks: at the pool itself. */
async function doorOf(
  context: Context,
  { pool }: JobRow,
  catalogue: readonly ResourceRow[],
): Promise<Room> {
  const scope = await scopeKeyOf(context, { tenant: null, pool });
  const resource = catalogue.find(({ name }) => name === 'jobs');
  if (resource === undefined) throw new Error('the catalogue has no jobs');
  return { scope, resource: resource.key };
}

/** Goes on with what earlier operations left to be looked at. */
export async function continuePromotion(context: Context): Promise<Started[]> {
  const { tables } = context;
  const left = await tables.wakeups.list(LOOKED_AT);
  for (const wakeup of left) await tables.wakeups.remove(wakeup);
  return promote(context, left);
}

async function openLines(
  tables: Tables,
  places: readonly (Room & { readonly afterJob?: Key })[],
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { scope, resource, afterJob } of places) {
    const following = async (after: Key) =>
      (await tables.jobs.blockedAt(scope, resource, after, 1))[0];
    lines.push({ place: { scope, resource }, next: await following(afterJob ?? 0), following });
  }
  return lines;
}

function lineOf(jobs: readonly JobRow[]): Line {
  const following = async (after: Key) => jobs.find(({ key }) => key > after);
  return { place: undefined, next: jobs[0], following };
}

function oldest(lines: readonly Line[]): JobRow | undefined {
  let first: JobRow | undefined;
  for (const { next } of lines) {
    if (next !== undefined && (first === undefined || next.key < first.key)) first = next;
  }
  return first;
}

/** What a job asks for, once more: from its own rows. */
export async function questionOf(
  tables: Tables,
  job: JobRow,
  catalogue: readonly ResourceRow[],
): Promise<Question> {
  const held = new Map(
    (await tables.jobs.amounts(job.key)).map(({ resource, amount }) => [resource, amount]),
  );
  const resources = catalogue.filter(({ key }) => held.has(key));
  return {
    tenant: await existing(tables, job.tenant),
    pool: await existingPool(tables, job.pool),
    amounts: new Map(resources.map(({ key, name }) => [name, held.get(key) ?? 0])),
    resources,
  };
}

function isSame(line: Room | undefined, place: unknown): boolean {
  const { scope, resource } = Object(place) as Partial<Room>;
  return line !== undefined && line.scope === scope && line.resource === resource;
}

/**
 * Admits a waiting job, or notes what it lacks now.
 * @returns the place that has no room left for anybody, where it found one.
 */
async function tryToStart(
  context: Context,
  job: JobRow,
  question: Question,
  catalogue: readonly ResourceRow[],
): Promise<'started' | 'waits' | Room> {
  const { tables, now } = context;
  // Its time has run out: the next settlement says so.
  if (stateAsOf(job, now) !== 'queued') return 'waits';
  const { resourcePools } = await settingsInForce(tables);
  const options = { arePoolsOn: resourcePools.enabled, onFull: 'queue' as const, isNew: false };
  const decided = await decideOn(tables, question, options);
  if (decided.decision.outcome === 'admitted') {
    await start(context, job, question, decided);
    return 'started';
  }
  const { violations } = decided.decision;
  const place = await placeOf(context, violations, catalogue);
  if (!isSame(place, job.blocked)) await tables.jobs.update({ ...job, blocked: place });
  return isFull(decided, violations) ? place : 'waits';
}

/** Nothing at all fits there: it is closed, or every unit is taken. */
function isFull({ path }: Decided, [first]: readonly Violation<PathScope>[]): boolean {
  if (first === undefined || first.resource === null) return true;
  const { scope, resource } = first;
  const ceiling = path.ceilings.find((each) => each.scope === scope && each.resource === resource);
  return ceiling?.limit != null && ceiling.used >= ceiling.limit;
}

async function start(
  context: Context,
  job: JobRow,
  question: Question,
  { path }: Decided,
): Promise<void> {
  const { tables, now } = context;
  const { jobs } = await settingsInForce(tables);
  await charge(tables, path, chargesOf(question), now);
  await tables.jobs.update({
    ...job,
    state: 'admitted',
    admittedAt: now,
    dueAt: now + jobs.claimSeconds * 1000,
    mark: 'promoted',
    isClaimDue: true,
    blocked: null,
    version: job.version + 1,
  });
  await recordEvent(context, {
    operation: 'job.promote',
    tenant: question.tenant.id,
    object: job.id,
    before: { state: 'queued' },
    after: { state: 'admitted', claim_until: now + jobs.claimSeconds * 1000 },
  });
}
