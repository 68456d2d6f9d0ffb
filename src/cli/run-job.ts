import { formatDuration } from '../domain/duration.ts';
import { conflict, HodeiError, type ErrorCode } from '../domain/errors.ts';
import type { JobView } from '../service/job-view.ts';
import { admitJob } from '../service/jobs.ts';
import { sayAwaited, sayPlace, sayReasons } from './decision-words.ts';
import { Exit, QUEUED, REJECTED, RUN_REFUSED } from './exit-codes.ts';
import type { CommandEnd, StartedCommand } from './host.ts';
import { watchEviction } from './eviction.ts';
import { requestOf, type RequestFlags, type SentRequest } from './job-flags.ts';
import { claim, giveUp, stoppedCode, waitForTurn, watchStop } from './job-wait.ts';
import { sayJob, sayRejected, sayReplayed } from './job-words.ts';
import { keepLease, releaseAtEnd, type Keeper } from './lease.ts';
import type { Run } from './run.ts';
import { shown } from './terminal.ts';

export interface RunFlags extends RequestFlags {
  readonly wait?: number;
  readonly onUnavailable?: 'fail' | 'proceed';
}

/** What runs must say so as often as a third of it: who dies frees what it holds after so long. */
const LEASE_SECONDS = 60;

/** A request for a command, and how it is asked for. */
interface Asking {
  readonly run: Run;
  readonly keeper: Keeper;
  readonly flags: RunFlags;
  readonly request: SentRequest;
  /** The command, as it is named to people. */
  readonly name: string;
  readonly stop: AbortSignal;
}

/** Runs a command as a job. @returns its exit code. */
export async function runAsJob(
  run: Run,
  argv: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const keeper = keeperOf(run);
  const { job, command, forget } = await start(run, keeper, argv, flags);
  const { end, isHeld } = await guard({ ...keeper, follow: run.follow }, job, command);
  forget();
  if (end.problem !== undefined) keeper.say(end.problem);
  if (job !== undefined && isHeld) await release(run, keeper, job);
  return end.exitCode;
}

function keeperOf({ call, host, terminal }: Run): Keeper {
  const say = (first: string, ...more: readonly string[]) => {
    terminal.err(`hodei: ${shown(first)}`);
    for (const line of more) terminal.err(shown(line));
  };
  return { call, time: host.time, say };
}

/** Starts the command once it may; from then on signals are for it, and not for hodei. */
async function start(run: Run, keeper: Keeper, argv: readonly string[], flags: RunFlags) {
  const { host } = run;
  const request = commandRequest(flags);
  const watch = watchStop(host);
  const { stop } = watch;
  try {
    const job = await obtain({ run, keeper, flags, request, name: argv[0] ?? '', stop });
    if (watch.isStopped()) {
      if (job !== undefined) await releaseAtEnd(keeper, job, stop);
      throw new Exit(stoppedCode(stop));
    }
    const command = await host.startCommand(argv);
    const forget = host.onSignals(passedOn, (signal) => command.pass(signal));
    // It came while the command was being started.
    if (watch.isStopped()) command.end();
    return { job, command, forget };
  } finally {
    watch.forget();
  }
}

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

function commandRequest(flags: RunFlags): SentRequest {
  const { wait, ttl = LEASE_SECONDS } = flags;
  const whenFull =
    wait === undefined
      ? { on_full: 'reject' as const }
      : { on_full: 'queue' as const, queue_ttl_seconds: wait };
  return { ...requestOf(flags), ttl_seconds: ttl, ...whenFull };
}

const UNREACHABLE: readonly ErrorCode[] = ['unavailable', 'unknown_outcome', 'database'];

/** A job that was admitted; undefined where hodei cannot be asked, and the command runs all the same. */
async function obtain(asking: Asking): Promise<JobView | undefined> {
  const { flags, keeper, name } = asking;
  try {
    return await admitted(asking);
  } catch (error) {
    const isUnreachable = error instanceof HodeiError && UNREACHABLE.includes(error.code);
    if (!isUnreachable || flags.onUnavailable !== 'proceed') throw error;
    keeper.say(`${error.message.replace(/\.$/, '')}: ${name} runs without quota`);
    return undefined;
  }
}

async function admitted(asking: Asking): Promise<JobView> {
  const { run, keeper, flags, request, name } = asking;
  const key = flags.id === undefined ? { idempotencyKey: run.host.newKey() } : {};
  const asked = await run.call(admitJob, request, key);
  const isReplay = flags.id !== undefined && asked.replayed === true;
  if (asked.state === 'rejected') throw refused(asking, sayRejected(asked), REJECTED);
  if (asked.state === 'admitted') {
    if (isReplay && !asked.claim_due) throw runsAlready(asked);
    return claim(keeper.call, asked);
  }
  if (flags.wait === undefined) throw refused(asking, [sayReplayed(asked)], QUEUED);
  const job = await waitInLine(asking, asked, flags.wait);
  if (job.state === 'admitted') return job;
  if (job.state !== 'queued' && job.state !== 'expired') {
    throw conflict(`${sayJob(job)} was ${job.state} while it waited: ${name} was not started.`);
  }
  const why =
    sayReasons(job, job.violations ?? asked.violations).join('; ') || `${sayJob(job)} waited`;
  const inTime = `no room within ${formatDuration(flags.wait)}`;
  throw refused(asking, [`${why}: ${inTime}.`], QUEUED);
}

/** Waits, and takes over what was promoted; whoever stops waiting leaves nothing in the queue. */
async function waitInLine(asking: Asking, asked: JobView, seconds: number): Promise<JobView> {
  const { run, keeper, stop } = asking;
  const { follow } = run;
  const { call, time, say } = keeper;
  const place = asked.position === undefined ? '' : ` (${sayPlace(asked.position)})`;
  say(`waiting for ${sayAwaited(asked)}${place}`);
  const began = time.passed();
  const until = began + seconds * 1000;
  const job = await waitForTurn({ call, follow, time, until, stop }, asked);
  if (job.state === 'queued' || (stop.aborted && job.state === 'admitted'))
    await leave(keeper, job);
  if (stop.aborted) throw new Exit(stoppedCode(stop));
  if (job.state !== 'admitted') return job;
  const claimed = await claim(call, job);
  say(`admitted after ${formatDuration((time.passed() - began) / 1000)}`);
  return claimed;
}

async function leave({ call, say }: Keeper, job: JobView): Promise<void> {
  try {
    await giveUp(call, job);
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    say(`${sayJob(job)} could not be cancelled (${error.message.replace(/\.$/, '')})`);
  }
}

/** Says that the words and the exit code are hodei's, and not those of the command. */
function refused({ keeper, name }: Asking, lines: readonly string[], code: number): Exit {
  const [first = '', ...rest] = lines;
  keeper.say(first.replace(/^R/, 'r'), ...rest, `       ${name} was not started.`);
  return new Exit(RUN_REFUSED + code);
}

function runsAlready(job: JobView): HodeiError {
  const reference = `${job.tenant}:${job.job_id ?? ''}`;
  return conflict(
    `${sayJob(job)} is admitted already, perhaps for another run that goes on (${job.id ?? ''}).`,
    `If that one is over: hodei job release ${reference}`,
  );
}

/** Lets the command run, and keeps its lease; who is evicted has to end. */
async function guard(
  keeper: Keeper & Pick<Run, 'follow'>,
  job: JobView | undefined,
  command: StartedCommand,
): Promise<{ readonly end: CommandEnd; readonly isHeld: boolean }> {
  if (job === undefined) return { end: await command.ended, isHeld: false };
  const done = new AbortController();
  const ended = command.ended.finally(() => done.abort());
  let isHeld = true;
  const alarm = watchEviction(keeper, job, done.signal);
  const kept = keepLease(keeper, job, done.signal, alarm).then((loss) => {
    isHeld = loss === undefined || loss === 'ran out';
    if (loss === 'evicted') command.end();
    return ended;
  });
  // Not all of both: a renewal that hangs must not keep waiting who waits for the command.
  const end = await Promise.race([ended, kept]);
  return { end, isHeld };
}

async function release({ host }: Run, keeper: Keeper, job: JobView): Promise<void> {
  const { stop, forget } = watchStop(host);
  await releaseAtEnd(keeper, job, stop);
  forget();
}
