import * as z from 'zod';
import { ADMINS } from '../domain/role.ts';
import { invalid } from '../domain/errors.ts';
import type { Key } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import { operation, type Context } from './operation.ts';
import { instant, someTime, toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';
import { rollUp } from './usage-rollup.ts';

/** So many jobs are looked at in one step, which keeps others waiting for some ten milliseconds. */
const JOBS_AT_ONCE = 500;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const pruneUsage = operation({
  name: 'usage.prune',
  summary: 'Remove old ended jobs one step further; what they used is kept by the hour',
  method: 'POST',
  path: '/usage/prune',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  input: () =>
    z.strictObject({
      before: someTime()
        .optional()
        .describe('Of jobs that ended before; by default what retention_days says.'),
      after: z
        .int()
        .min(0)
        .default(0)
        .describe('Where the step before this one ended, as its answer has it in next; 0: begin.'),
    }),
  output: () =>
    z
      .strictObject({
        before: instant().nullable().describe('Null: nothing is ever removed.'),
        removed: z.int().describe('Jobs that this step removed.'),
        behind: z.int().describe('Events that have to be summed up first.'),
        next: z.int().nullable().describe('Go on with it as after; null: all is done.'),
        last: z.int().describe('Where after ends, to say how far it is.'),
      })
      .meta({ id: 'UsagePruneResponse' }),
  example: {
    input: { before: '2026-08-01T00:00:00.000Z' },
    output: {
      ...{ before: '2026-08-01T00:00:00.000Z', removed: 1_840, behind: 0 },
      ...{ next: 2_000, last: 71_324 },
    },
  },

  async run(context, input) {
    const { tables, now } = context;
    const cutoff = await cutoffOf(context, input.before);
    if (cutoff === null) return { before: null, removed: 0, behind: 0, next: null, last: 0 };
    if (cutoff > now) throw invalid('Jobs that end later cannot be removed yet.');
    const before = toInstant(cutoff);
    const last = await tables.jobUses.last();
    // Nothing is removed before what it used is written down.
    const behind = await rollUp(tables);
    if (behind > 0) return { before, removed: 0, behind, next: input.after, last };
    const { removed, next } = await removeNext(context, cutoff, input.after);
    return { before, removed, behind: 0, next, last };
  },
});

/** To whole hours, of which then nothing is missing or all is. */
async function cutoffOf(
  { tables, now }: Context,
  before: string | undefined,
): Promise<number | null> {
  const wholeHour = (time: number) => Math.floor(time / HOUR) * HOUR;
  if (before !== undefined) return wholeHour(Date.parse(before));
  const { retentionDays } = (await settingsInForce(tables)).costTracking;
  return retentionDays === null ? null : wholeHour(now - retentionDays * DAY);
}

async function removeNext(
  context: Context,
  cutoff: number,
  after: Key,
): Promise<{ readonly removed: number; readonly next: Key | null }> {
  const { tables } = context;
  const { jobs, last } = await tables.jobUses.endedBefore(cutoff, after, JOBS_AT_ONCE);
  if (jobs.length > 0) {
    const { sequence, prunedBefore } = await tables.rollup.get();
    await tables.rollup.put({ sequence, prunedBefore: Math.max(prunedBefore, cutoff) });
    await tables.jobUses.remove(jobs);
    await recordEvent(context, {
      ...{ operation: 'usage.prune', tenant: null, object: 'jobs' },
      ...{ before: null, after: { jobs: jobs.length, ended_before: toInstant(cutoff) } },
    });
  }
  return { removed: jobs.length, next: last ?? null };
}
