import { stateAsOf } from '../domain/job.ts';
import type { InLine, JobRow, Key, PoolRow } from '../store/store.ts';
import { openLine, strategyOf, type Line } from './line.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { settingsInForce } from './settings-in-force.ts';
import { waitingJob } from './waiting.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** So many of one tenant, or by age, are read at once. */
const PAGE = 50;

/** At first of one tenant: many have no second turn among the places that are asked for. */
const FEW = 2;

/** Waiting jobs whose time has run out, and that count no longer although nothing was written yet. */
const DUE_LOOKED_AT = 1_000;

/** Those who wait no more as of now; of reads, since a write settles them first. */
export async function overWaiting({ tables, now }: At): Promise<readonly JobRow[]> {
  const due = await tables.jobs.due(now, DUE_LOOKED_AT);
  return due.filter(({ state }) => state === 'queued');
}

/** The line of a pool, as of now, with the first job of every tenant that waits there. */
export async function openQueue(at: At, pool: PoolRow): Promise<Line> {
  const { tables, now } = at;
  const isByAge = strategyOf(await settingsInForce(tables)) === 'fifo';
  const over = new Set((await overWaiting(at)).map(({ key }) => key));
  const living = async (job: InLine) => (over.has(job.job) ? firstAfter(at, pool, job) : job);
  const heads: InLine[] = [];
  for (const head of await tables.waiting.firstOfEach(pool.key)) {
    const first = await (isByAge ? oldestOf(at, pool, head, living) : living(head));
    if (first !== undefined) heads.push(first);
  }
  return openLine(at, pool, heads, await overdueAsOf(tables, now));
}

/** The oldest of a tenant, whose first one by priority is known: of each priority the first is looked at. */
async function oldestOf(
  { tables }: At,
  pool: PoolRow,
  head: InLine,
  living: (job: InLine) => Promise<InLine | undefined>,
): Promise<InLine | undefined> {
  let oldest: InLine | undefined;
  for (let each: InLine | undefined = head; each !== undefined;) {
    const job = await living(each);
    if (job !== undefined && (oldest === undefined || job.job < oldest.job)) oldest = job;
    const last: InLine = { ...each, job: Number.MAX_SAFE_INTEGER };
    [each] = await tables.waiting.behind(pool.key, last, 1);
  }
  return oldest;
}

async function firstAfter(at: At, pool: PoolRow, head: InLine): Promise<InLine | undefined> {
  for (let after = head; ;) {
    const page = await at.tables.waiting.behind(pool.key, after, PAGE);
    for (const each of page) if (await isWaiting(at, each)) return each;
    const last = page.at(-1);
    if (last === undefined) return undefined;
    after = last;
  }
}

async function isWaiting({ tables, now }: At, { job }: InLine): Promise<boolean> {
  return stateAsOf(await waitingJob(tables, job), now) === 'queued';
}

/**
 * The jobs that wait in a pool in the order of their turn: as if each in turn got what it asks for and
 * none ended meanwhile. What is overdue waits no more.
 */
export async function* inOrder(at: At, pool: PoolRow): AsyncGenerator<JobRow> {
  const isByAge = strategyOf(await settingsInForce(at.tables)) === 'fifo';
  yield* isByAge ? byAge(at, pool) : byTurn(at, pool);
}

/** The one that waits longest. */
export async function oldestIn(at: At, pool: PoolRow): Promise<JobRow | undefined> {
  return (await byAge(at, pool).next()).value;
}

async function* byAge({ tables, now }: At, pool: PoolRow): AsyncGenerator<JobRow, undefined> {
  for (let after = 0; ;) {
    const page = await tables.waiting.byAge(pool.key, after, PAGE);
    for (const { job: key } of page) {
      const job = await waitingJob(tables, key);
      if (stateAsOf(job, now) === 'queued') yield job;
    }
    const last = page.at(-1);
    if (last === undefined) return undefined;
    after = last.job;
  }
}

async function* byTurn(at: At, pool: PoolRow): AsyncGenerator<JobRow> {
  const { tables, now } = at;
  const line = await openQueue(at, pool);
  const behind = new Map<Key, InLine[]>();
  for (;;) {
    const head = await line.first();
    if (head === undefined) return;
    const job = await waitingJob(tables, head.job);
    line.remove(head);
    // What waits no more gets nothing.
    if (stateAsOf(job, now) === 'queued') {
      yield job;
      await line.took(head, await tables.jobs.amounts(head.job));
    }
    let rest = behind.get(head.tenant);
    if (rest === undefined || rest.length === 0) {
      const isFirst = rest === undefined;
      rest = await tables.waiting.behind(pool.key, head, isFirst ? FEW : PAGE);
      behind.set(head.tenant, rest);
    }
    const next = rest.shift();
    if (next !== undefined) await line.add(next);
  }
}

/** So far the place in the line is counted: further back it tells nobody anything. */
const PLACES_COUNTED = 1_000;

/** Places of waiting jobs, each from 1; the line of a pool is walked once. */
export function placesInLine(
  at: At,
): (job: Pick<JobRow, 'key' | 'pool'>) => Promise<number | undefined> {
  const lines = new Map<Key, Promise<ReadonlyMap<Key, number>>>();
  return async ({ key, pool }) => {
    let line = lines.get(pool);
    if (line === undefined) {
      line = existingPool(at.tables, pool).then((row) => firstPlaces(at, row));
      lines.set(pool, line);
    }
    return (await line).get(key);
  };
}

async function firstPlaces(at: At, pool: PoolRow): Promise<ReadonlyMap<Key, number>> {
  const places = new Map<Key, number>();
  for await (const { key } of inOrder(at, pool)) {
    places.set(key, places.size + 1);
    if (places.size === PLACES_COUNTED) break;
  }
  return places;
}

/** In a longer line a new job is not told its place: to count would keep others waiting. */
const SHORT_LINE = 100;

/** The place of a job that has just joined a line, where that is short. */
export async function placeOfNew(
  at: At,
  job: Pick<JobRow, 'key' | 'pool'>,
): Promise<number | undefined> {
  if ((await at.tables.waiting.countIn(job.pool)) > SHORT_LINE) return undefined;
  return placesInLine(at)(job);
}
