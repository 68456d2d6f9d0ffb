import { formatDuration } from '../domain/duration.ts';
import { HodeiError, isPassing } from '../domain/errors.ts';
import type { JobView } from '../service/job-view.ts';
import { getJob, releaseJob, renew } from '../service/jobs.ts';
import type { Call } from '../service/operation.ts';
import type { Time } from './host.ts';
import type { Alarm } from './eviction.ts';
import { eitherOf, idOf } from './job-wait.ts';
import { sayJob } from './job-words.ts';

/** With what a lease is kept. */
export interface Keeper {
  readonly call: Call;
  readonly time: Time;
  /** Lines for people. */
  say(first: string, ...more: readonly string[]): void;
}

/** So often it is renewed while it lasts, so that one failure or two do not end it. */
const RENEWALS = 3;
/** Where one fails it is tried again so often until the next would be due, at the latest after: */
const RETRIES = 4;
const RETRY_MS = 5_000;
/** And at least so often, whatever the lease: a timer knows no more than 24 days. */
const LONGEST_PAUSE_MS = 3_600_000;

/** What became of a lease that was not kept to the end. */
export type Loss = 'evicted' | 'ended' | 'ran out';

/**
 * Renews a job's lease until `done` is aborted, and at once when an alarm says that it may be lost.
 * @returns how it was lost, or undefined.
 */
export async function keepLease(
  keeper: Keeper,
  job: JobView,
  done: AbortSignal,
  alarm: Alarm,
): Promise<Loss | undefined> {
  if (job.ttl_seconds === null) return undefined;
  const { time, say } = keeper;
  const lease = job.ttl_seconds * 1000;
  const usual = Math.min(lease / RENEWALS, LONGEST_PAUSE_MS);
  const isDone = () => done.aborted;
  let until = time.passed() + lease;
  let isTroubleSaid = false;
  for (let pause = usual; ;) {
    await eitherOf(alarm.rings(), time, pause, done);
    if (isDone()) return undefined;
    const sent = time.passed();
    const answer = await tryToRenew(keeper.call, job);
    if (isDone()) return undefined;
    if (answer === 'ended') return sayEnded(keeper, job, alarm);
    if (answer === 'renewed') {
      until = sent + lease;
      pause = usual;
      continue;
    }
    const left = until - time.passed();
    if (left <= 0) return sayRanOut(keeper, job);
    if (!isTroubleSaid) say(sayTrouble(answer, left));
    isTroubleSaid = true;
    pause = Math.min(usual / RETRIES, RETRY_MS, left);
  }
}

async function tryToRenew(call: Call, job: JobView): Promise<'renewed' | 'ended' | HodeiError> {
  try {
    await call(renew, { job: idOf(job) });
    return 'renewed';
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return ['conflict', 'not_found'].includes(error.code) ? 'ended' : error;
  }
}

function sayTrouble({ message }: HodeiError, left: number): string {
  const why = message.replace(/\.$/, '');
  return `the lease could not be renewed (${why}); it lasts ${formatDuration(left / 1000)} more`;
}

async function sayEnded({ call, say }: Keeper, job: JobView, alarm: Alarm): Promise<Loss> {
  const state = await stateOf(call, job);
  if (state !== 'evicted') {
    say(`${sayJob(job)} is ${state}: the command goes on without quota`);
    return 'ended';
  }
  const session = await alarm.session();
  const why = session === undefined ? '' : `, since burst session ${session} is over`;
  say(`${sayJob(job)} was evicted${why}: the command is told to end`);
  return 'evicted';
}

async function stateOf(call: Call, job: JobView): Promise<string> {
  try {
    return (await call(getJob, { job: idOf(job) })).state;
  } catch (error) {
    if (error instanceof HodeiError) return 'gone';
    throw error;
  }
}

function sayRanOut({ say }: Keeper, job: JobView): Loss {
  say(`the lease of ${sayJob(job)} has run out: the command goes on without quota`);
  return 'ran out';
}

/** Pauses before the release is tried once more. */
const PAUSES_MS = [500, 1_000, 2_000];

/** Releases a job, and does not give up at once; what cannot be released ends with its lease. */
export async function releaseAtEnd(
  { call, time, say }: Keeper,
  job: JobView,
  stop: AbortSignal,
): Promise<void> {
  for (const pause of [...PAUSES_MS, undefined]) {
    try {
      await call(releaseJob, { job: idOf(job) });
      return;
    } catch (error) {
      if (!(error instanceof HodeiError)) throw error;
      if (pause === undefined || stop.aborted || !isPassing(error)) {
        const why = error.message.replace(/\.$/, '');
        say(`${sayJob(job)} could not be released (${why}); it ends with its lease`);
        return;
      }
      await time.pause(pause, stop);
    }
  }
}
