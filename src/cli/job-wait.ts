import { HodeiError, isPassing } from '../domain/errors.ts';
import type { JobView } from '../service/job-view.ts';
import { cancelJob, getJob, releaseJob, renew } from '../service/jobs.ts';
import type { Call } from '../service/operation.ts';
import type { Follow, Host, Signal, Time } from './host.ts';

/** So often somebody who waits sees to it that what is overdue is settled. */
const NUDGE_MS = 10_000;

/** By what and until when somebody waits. */
export interface Patience {
  readonly call: Call;
  readonly follow: Follow;
  readonly time: Time;
  /** On the clock of `time.passed`. */
  readonly until: number;
  /** Aborted when somebody does not want to wait any longer. */
  readonly stop: AbortSignal;
}

/**
 * Follows what becomes of a waiting job until it waits no more, the time is over or somebody says
 * stop. It is looked at when the stream has begun, so that nothing between the answer and that moment
 * is missed, and at everything that is told of it.
 * @returns the job as it was seen last.
 * @throws what kept it from being seen at the end.
 */
export async function waitForTurn(patience: Patience, job: JobView): Promise<JobView> {
  const { time, until, stop } = patience;
  const over = new AbortController();
  const news = newsOf(patience, job, AbortSignal.any([stop, over.signal]));
  let nudgedAt = time.passed();
  let seen = { job, error: undefined as HodeiError | undefined };
  try {
    while (seen.job.state === 'queued') {
      const left = until - time.passed();
      if (left <= 0 || stop.aborted) break;
      const nudgeIn = nudgedAt + NUDGE_MS - time.passed();
      await eitherOf(news.told(), time, Math.min(nudgeIn, left), stop);
      news.note();
      const isNudge = time.passed() - nudgedAt >= NUDGE_MS;
      if (isNudge) nudgedAt = time.passed();
      seen = await look(patience, seen.job, isNudge);
    }
  } finally {
    over.abort();
    await news.end();
  }
  if (seen.error !== undefined && !stop.aborted) throw seen.error;
  return seen.job;
}

/** What is told of a job, each of it once; who does not listen for a while hears of it in one. */
function newsOf({ follow }: Patience, job: JobView, signal: AbortSignal) {
  let isNew = false;
  let wake = () => {};
  let failure: unknown;
  const listening = (async () => {
    try {
      for await (const _ of follow({ object: idOf(job) }, signal)) {
        isNew = true;
        wake();
      }
    } catch (error) {
      // Where nothing can be followed, as on an older server, it is looked at with every nudge.
      if (error instanceof HodeiError) return;
      failure = error;
      wake();
    }
  })();
  return {
    /** Resolves when something was told that nobody has taken note of. */
    told: (): Promise<void> =>
      isNew || failure !== undefined
        ? Promise.resolve()
        : new Promise((resolve) => (wake = resolve)),
    /** Takes note of all that was told; what is told from now on is new. */
    note() {
      if (failure !== undefined) throw failure as Error;
      isNew = false;
    },
    end: () => listening,
  };
}

/** Waits until there is something, and no longer than that. */
export async function eitherOf(
  something: Promise<void>,
  time: Time,
  milliseconds: number,
  stop: AbortSignal,
): Promise<void> {
  const heard = new AbortController();
  const pause = time.pause(milliseconds, AbortSignal.any([stop, heard.signal]));
  await Promise.race([something, pause]).finally(() => heard.abort());
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
