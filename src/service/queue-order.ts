import { stateAsOf } from '../domain/job.ts';
import type { InLine, JobRow, Key, PoolRow, Tables } from '../store/store.ts';
import { openLine, strategyOf, type Line } from './line.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { settingsInForce } from './settings-in-force.ts';
import { waitingJob } from './waiting.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** So many of one tenant, or by age, are read at once. */
const PAGE = 50;

/** The line of a pool with the first job of every tenant that waits there. */
export async function openQueue(at: At, pool: PoolRow): Promise<Line> {
  return openLine(at, pool, await at.tables.waiting.firstOfEach(pool.key));
}

/**
 * The jobs that wait in a pool in the order of their turn: as if each in turn got what it asks for and
 * none ended meanwhile. What is overdue waits no more.
 */
export async function* inOrder(at: At, pool: PoolRow): AsyncGenerator<JobRow> {
  const { tables, now } = at;
  const isByAge = strategyOf(await settingsInForce(tables)) === 'fifo';
  const jobs = isByAge ? byAge(tables, pool) : byTurn(at, pool);
  for await (const { job: key } of jobs) {
    const job = await waitingJob(tables, key);
    if (stateAsOf(job, now) === 'queued') yield job;
  }
}

async function* byAge(tables: Tables, pool: PoolRow): AsyncGenerator<InLine> {
  for (let after = 0; ;) {
    const page = await tables.waiting.byAge(pool.key, after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.job;
  }
}

async function* byTurn(at: At, pool: PoolRow): AsyncGenerator<InLine> {
  const { tables } = at;
  const line = await openQueue(at, pool);
  const behind = new Map<Key, InLine[]>();
  for (;;) {
    const job = await line.first();
    if (job === undefined) return;
    yield job;
    line.remove(job);
    await line.took(job, await tables.jobs.amounts(job.job));
    let rest = behind.get(job.tenant);
    if (rest === undefined || rest.length === 0) {
      rest = await tables.waiting.behind(pool.key, job, PAGE);
      behind.set(job.tenant, rest);
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
