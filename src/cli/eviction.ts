import { HodeiError } from '../domain/errors.ts';
import { getBurst } from '../service/bursts.ts';
import type { JobView } from '../service/job-view.ts';
import { getJob } from '../service/jobs.ts';
import type { Call } from '../service/operation.ts';
import type { Follow, Time } from './host.ts';
import { idOf } from './job-wait.ts';

/** What tells that a job may have been evicted. */
export interface Alarm {
  /** Resolves when there is a reason to look that nobody has looked at yet. */
  rings(): Promise<void>;
  /** The session at whose end the job was evicted, as far as that is known. */
  session(): Promise<string | undefined>;
}

interface Watch {
  readonly call: Call;
  readonly follow: Follow;
  readonly time: Time;
}

/** A timer knows no more than 24 days; whoever keeps a lease looks as often anyway. */
const LONGEST_PAUSE_MS = 3_600_000;
/** Behind the end of a session, so that it is over when it is looked at. */
const MARGIN_MS = 100;

/**
 * Watches over a job that runs under a burst session: nobody else is evicted for want of room, and a
 * stream for each job that runs would be many. On a file the end of the session is a reason to look
 * too, since what is due there is done by the next change.
 */
export function watchEviction(watch: Watch, job: JobView, done: AbortSignal): Alarm {
  const { burst } = job;
  let isRung = false;
  let wake = () => {};
  let session: string | undefined;
  let failure: unknown;
  const ring = () => {
    isRung = true;
    wake();
  };
  const hear = (by: unknown) => {
    if (typeof by === 'string') session = by;
    ring();
  };
  const fail = (error: unknown) => {
    failure = error;
    ring();
  };
  if (burst !== null) {
    listen(watch, job, done, hear).catch(fail);
    awaitEnd(watch, burst, done, ring).catch(fail);
  }
  return {
    async rings() {
      if (!isRung) await new Promise<void>((resolve) => (wake = resolve));
      isRung = false;
      if (failure !== undefined) throw failure as Error;
    },
    session: async () => session ?? (burst === null ? undefined : endedOne(watch.call, burst)),
  };
}

/** Where nothing can be followed, the next renewal tells. */
async function listen(
  { call, follow }: Watch,
  job: JobView,
  done: AbortSignal,
  hear: (session: unknown) => void,
): Promise<void> {
  try {
    for await (const news of follow({ object: idOf(job), kind: 'job.evict' }, done)) {
      if (news.kind === 'event') hear(news.event.after?.['burst']);
      // What happened before the stream began is seen in the job.
      else if (news.kind === 'open' && (await mayBeEvicted(call, job))) hear(undefined);
    }
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
  }
}

/** What cannot be seen is left to a renewal. */
async function mayBeEvicted(call: Call, job: JobView): Promise<boolean> {
  try {
    return (await call(getJob, { job: idOf(job) })).state === 'evicted';
  } catch (error) {
    if (error instanceof HodeiError) return true;
    throw error;
  }
}

async function awaitEnd(
  { call, time }: Watch,
  burst: string,
  done: AbortSignal,
  ring: () => void,
): Promise<void> {
  const end = await sessionOf(call, burst);
  if (end?.ends_at == null) return;
  const left = Date.parse(end.ends_at) - time.now() + MARGIN_MS;
  await time.pause(Math.min(Math.max(0, left), LONGEST_PAUSE_MS), done);
  if (!done.aborted) ring();
}

async function endedOne(call: Call, burst: string): Promise<string | undefined> {
  return (await sessionOf(call, burst))?.state === 'ended' ? burst : undefined;
}

/** An agent may not read sessions: then it is not known. */
async function sessionOf(call: Call, burst: string) {
  try {
    return await call(getBurst, { burst });
  } catch (error) {
    if (error instanceof HodeiError) return undefined;
    throw error;
  }
}
