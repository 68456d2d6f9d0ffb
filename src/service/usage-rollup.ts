import * as z from 'zod';
import { ADMINS } from '../domain/role.ts';
import { hoursCutAt, Tallies } from '../domain/timed-use.ts';
import type { Tables, UsageHourRow } from '../store/store.ts';
import { spansOfJobs, type JobSpans } from './job-spans.ts';
import { operation } from './operation.ts';
import { cutsOf, priceBookOf } from './price-book.ts';

// What ended jobs used is summed up by the hour, behind them: so that an end costs nothing more, and
// a report need not read every job.

/** So many events are read in one step by who has nobody else waiting. */
const EVENTS_AT_ONCE = 5_000;

/** And by a server, in which others wait until the hours of a step are written. */
const EVENTS_AT_ONCE_IN_SERVER = 1_000;

/** Jobs of months have so many hours that a step ends with fewer of them. */
const HOURS_AT_ONCE = 50_000;

const HOUR = 3_600_000;

/** In how many hours something was held, each resource by itself. */
function hoursIn(ended: readonly JobSpans[]): number {
  return ended
    .flatMap(({ spans }) => spans)
    .reduce((hours, { from, to }) => hours + Math.max(0, to - from) / HOUR + 1, 0);
}

/** A step of the summing up: from one event to another. */
export interface RollupStep {
  readonly after: number;
  readonly until: number;
  readonly hours: readonly UsageHourRow[];
  /** How many events are left behind it. */
  readonly left: number;
}

/** Sums up what the next ended jobs used, and writes nothing. */
export async function sumUp(tables: Tables, most: number): Promise<RollupStep> {
  const { sequence: after } = await tables.rollup.get();
  const last = (await tables.events.head())?.sequence ?? 0;
  const until = Math.min(last, after + most);
  if (until <= after) return { after, until: after, hours: [], left: 0 };
  const ended = await spansOfJobs(tables, { of: 'events', after, until }, 0);
  if (until - after > 1 && hoursIn(ended) > HOURS_AT_ONCE) {
    return sumUp(tables, Math.ceil((until - after) / 2));
  }
  const book = await priceBookOf(tables, await tables.resources.list());
  const tallies = new Tallies(hoursCutAt(await cutsOf(tables, book)));
  for (const { spans } of ended) spans.forEach((span) => tallies.add(span));
  const hours = tallies.sums.map(({ begins, group: _, ...sum }) => ({ ...sum, beginsAt: begins }));
  return { after, until, hours, left: last - until };
}

/** Writes a step down, unless somebody else has done it meanwhile. */
export async function record(
  tables: Tables,
  { after, until, hours }: Omit<RollupStep, 'left'>,
): Promise<void> {
  const { sequence, prunedBefore } = await tables.rollup.get();
  if (sequence !== after || until === after) return;
  await tables.usageHours.add(hours);
  await tables.rollup.put({ sequence: until, prunedBefore });
}

/** Sums up and writes down at once. @returns how many events are left. */
export async function rollUp(tables: Tables, most = EVENTS_AT_ONCE): Promise<number> {
  const step = await sumUp(tables, most);
  await record(tables, step);
  return step.left;
}

/** So far behind a file without a server may fall: reports of it then read that many events. */
const MOST_BEHIND = 100_000;

/** Whether nobody has summed up for so long that the next change has to. */
export async function isRollupDue(tables: Tables): Promise<boolean> {
  return (await eventsNotSummedUp(tables)) > MOST_BEHIND;
}

export async function eventsNotSummedUp(tables: Tables): Promise<number> {
  const { sequence } = await tables.rollup.get();
  return ((await tables.events.head())?.sequence ?? 0) - sequence;
}

// What a server has its threads do: the one reads and adds up, the other writes. It is bookkeeping, and
// no change that an event would tell of.

const internal = { path: '', roles: ADMINS, reach: 'all', isVersioned: false } as const;

export const sumUpUsage = operation({
  ...internal,
  name: 'usage.sum_up',
  summary: 'Sum up what the next ended jobs used',
  method: 'GET',
  isReadOnly: true,
  input: () => z.strictObject({}),
  output: () => z.custom<RollupStep>(),
  example: { input: {}, output: { after: 0, until: 0, hours: [], left: 0 } },
  run: ({ tables }) => sumUp(tables, EVENTS_AT_ONCE_IN_SERVER),
});

export const recordUsage = operation({
  ...internal,
  name: 'usage.record',
  summary: 'Write down what ended jobs used by the hour',
  method: 'POST',
  isReadOnly: false,
  input: () => z.strictObject({ step: z.custom<RollupStep>() }),
  output: () => z.undefined(),
  example: { input: { step: { after: 0, until: 0, hours: [], left: 0 } }, output: undefined },
  async run({ tables }, { step }) {
    await record(tables, step);
    return undefined;
  },
});
