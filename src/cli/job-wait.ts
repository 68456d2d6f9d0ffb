import { HodeiError, type ErrorCode } from '../domain/errors.ts';
import type { JobView } from '../service/job-view.ts';
import { cancelJob, getJob, releaseJob, renew } from '../service/jobs.ts';
import type { Call } from '../service/operation.ts';
import type { Host, Signal, Time } from './host.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** So often somebody who waits sees to it that what is overdue is settled. */
const NUDGE_MS = 10_000;

/** By what and until when somebody waits. */
export interface Patience {
  readonly call: Call;
  readonly time: Time;
  /** On the clock of `time.passed`. */
  readonly until: number;
  /** Aborted when somebody does not want to wait any longer. */
  readonly stop: AbortSignal;
}

/**
 * Looks after a waiting job, less and less often, until it waits no more, the time is over or
 * somebody says stop.
 * @returns the job as it was seen last.
 * @throws what kept it from being seen at the end.
 */
export async function waitForTurn(patience: Patience, job: JobView): Promise<JobView> {
  const { time, until, stop } = patience;
  let nudgedAt = time.passed();
  let seen = { job, error: undefined as HodeiError | undefined };
  for (let pause = FIRST_PAUSE_MS; seen.job.state === 'queued'; pause *= 1.5) {
    const left = until - time.passed();
    if (left <= 0 || stop.aborted) break;
    await time.pause(Math.min(pause, LONGEST_PAUSE_MS, left), stop);
    const isNudge = time.passed() - nudgedAt >= NUDGE_MS;
    if (isNudge) nudgedAt = time.passed();
    seen = await look(patience, seen.job, isNudge);
  }
  if (seen.error !== undefined && !stop.aborted) throw seen.error;
  return seen.job;
}

/** A server that restarts is no reason to lose one's place in the line. */
async function look({ call }: Patience, job: JobView, isNudge: boolean) {
  try {
    if (isNudge) await nudge(call, job);
    return { job: await call(getJob, { job: idOf(job) }), error: undefined };
  } catch (error) {
    if (!isPassing(error)) throw error;
    return { job, error };
  }
}

/**
 * Reading changes nothing, so where only readers are left nobody ends a lease that has run out. Every
 * change does that first, also one that is not kept.
 */
async function nudge(call: Call, job: JobView): Promise<void> {
  try {
    await call(renew, { job: idOf(job) }, { dryRun: true });
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
  }
}

const PASSING: readonly ErrorCode[] = [
  'unavailable',
  'unknown_outcome',
  'database',
  'rate_limited',
];

/** What may be over when it is tried again. */
export function isPassing(error: unknown): error is HodeiError {
  return error instanceof HodeiError && PASSING.includes(error.code);
}

export function idOf({ id }: JobView): string {
  if (id === null) throw new Error('a job that was admitted or queued has an id');
  return id;
}

/** A promoted job is freed again unless somebody says that it was noticed; its lease begins here. */
export async function claim(call: Call, job: JobView): Promise<JobView> {
  return job.claim_due ? call(renew, { job: idOf(job) }) : job;
}

/** Gives up a job that waited, also one that has just been admitted. */
export async function giveUp(call: Call, job: JobView): Promise<void> {
  try {
    await call(cancelJob, { job: idOf(job) });
  } catch (error) {
    if (!(error instanceof HodeiError) || error.code !== 'conflict') throw error;
    await call(releaseJob, { job: idOf(job) });
  }
}

export interface StopWatch {
  /** Aborted by the first signal to stop; its reason is the signal. The second one ends the process. */
  readonly stop: AbortSignal;
  isStopped(): boolean;
  forget(): void;
}

export function watchStop(host: Host): StopWatch {
  const controller = new AbortController();
  const forget = host.onSignals(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'], (signal) => {
    forget();
    controller.abort(signal);
  });
  const { signal: stop } = controller;
  return { stop, isStopped: () => stop.aborted, forget };
}

const signalNumbers: Readonly<Partial<Record<Signal, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
};

/** As a shell has it for who was stopped by a signal. */
export function stoppedCode(stop: AbortSignal): number {
  return 128 + (signalNumbers[stop.reason as Signal] ?? 0);
}
