import type { Effects } from '../service/effects.ts';
import { count } from './words.ts';

/** So many jobs are named; the others are counted. */
const NAMED = 5;

/** Which waiting jobs start after a change, a line for each of the first ones. */
export function sayStarted(started: Effects['started'], isDryRun: boolean): string[] {
  const verb = isDryRun ? 'Would start' : 'Started';
  const lines = started
    .slice(0, NAMED)
    .map((job) => `${verb}: ${job.job_id ?? job.id} of ${job.tenant}.`);
  const more = started.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${count(more, 'more job')}.`];
}
