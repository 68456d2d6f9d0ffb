import { Option, type Command } from 'commander';
import { formatDuration, parseDuration } from '../../domain/duration.ts';
import { conflict, HodeiError, invalid } from '../../domain/errors.ts';
import type { JobView } from '../../service/job-view.ts';
import { admitJob, checkJob } from '../../service/jobs.ts';
import { Exit, QUEUED, REJECTED } from '../exit-codes.ts';
import { requestOf, withRequestFlags, type RequestFlags } from '../job-flags.ts';
import { claim, giveUp, idOf, stoppedCode, waitForTurn, watchStop } from '../job-wait.ts';
import {
  jobListing,
  sayAdmitted,
  sayBorrowed,
  sayJob,
  sayOutcome,
  sayQueued,
  sayRejected,
  sayRule,
  sayReplayed,
} from '../job-words.ts';
import { note, print, type Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { addVerb, type Cli } from '../verb.ts';

interface AdmitFlags extends RequestFlags {
  readonly queueTtl?: number;
  readonly onFull?: 'reject' | 'queue';
  readonly wait?: number;
}

export function addAdmit(cli: Cli, noun: Command): void {
  addVerb<AdmitFlags>(
    cli,
    noun,
    {
      usage: 'admit',
      summary: 'ask whether a job may start, and charge it if so',
      examples: [
        'job admit --tenant acme --cpu 2 --memory 4Gi --id build-812 --ttl 1h',
        'job admit --tenant acme --cpu 4 --memory 1Gi --id build-814 --wait 30m',
        'job admit --tenant acme --cpu 500m --memory 1Gi --ttl 10m -o name',
      ],
      changes: true,
      flags: (command) =>
        withOnFull(withRequestFlags(command))
          .option('--id <key>', 'your own name for it: a retry with it changes nothing')
          .option('--ttl <time>', 'its lease, such as 10m: not renewed, it ends', parseDuration)
          .option('--queue-ttl <time>', 'how long it may wait in the queue', parseDuration)
          .option('--wait <time>', 'queue it, and wait so long for its turn', parseDuration),
    },
    async (run, _, flags) => {
      const { request, key } = admissionOf(run, flags);
      const asked = await run.call(admitJob, request, key);
      if (run.isDryRun) return printOutcome(run, asked);
      const job =
        flags.wait !== undefined && asked.state === 'queued'
          ? await waitAtTerminal(run, asked, flags.wait)
          : asked;
      if (job.state === 'cancelled' || job.state === 'evicted') {
        throw conflict(`${sayJob(job)} was ${job.state} while it waited.`);
      }
      const isReplay = flags.id !== undefined && asked.replayed === true;
      await printAnswer(run, await claim(run.call, job), { isReplay, waited: flags.wait });
    },
  );
}

function withOnFull(command: Command): Command {
  return command.addOption(
    new Option('--on-full <what>', 'what becomes of it when there is no room').choices([
      'reject',
      'queue',
    ]),
  );
}

/** A request that has no name gets a key, so that a broken connection is no reason not to know. */
function admissionOf({ host }: Run, flags: AdmitFlags) {
  const { wait, onFull, queueTtl, id } = flags;
  if (wait !== undefined && onFull === 'reject') {
    throw invalid('--wait is for a job that waits, and --on-full reject is for one that does not.');
  }
  const whenFull = wait === undefined ? onFull : 'queue';
  return {
    request: {
      ...requestOf(flags),
      ...(queueTtl !== undefined && { queue_ttl_seconds: queueTtl }),
      ...(whenFull !== undefined && { on_full: whenFull }),
    },
    key: id === undefined ? { idempotencyKey: host.newKey() } : {},
  };
}

async function waitAtTerminal(run: Run, job: JobView, seconds: number): Promise<JobView> {
  const { call, follow, host } = run;
  if (run.format === 'table') {
    note(run, `${sayQueued(job)} Waiting up to ${formatDuration(seconds)}.`);
  }
  const { stop, forget } = watchStop(host);
  try {
    const until = host.time.passed() + seconds * 1000;
    const seen = await waitForTurn({ call, follow, time: host.time, until, stop }, job).catch(
      (error: unknown) => {
        note(run, `${sayJob(job)} was queued, and may wait still. ${sayCancel(job)}`);
        throw error;
      },
    );
    // What a job that waits says of itself leaves out why a rule has it wait.
    const rule = seen.state === 'queued' ? job.rule : undefined;
    if (!stop.aborted) return { ...seen, ...(rule !== undefined && { rule }) };
    await giveUpAtTerminal(run, seen);
    throw new Exit(stoppedCode(stop));
  } finally {
    forget();
  }
}

function sayCancel(job: JobView): string {
  return `To cancel it: hodei job cancel ${idOf(job)}`;
}

async function giveUpAtTerminal(run: Run, job: JobView): Promise<void> {
  try {
    await giveUp(run.call, job);
    note(run, `Cancelled ${sayJob(job)}.`);
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    note(run, `${sayJob(job)} could not be cancelled: ${error.message}`);
  }
}

interface Asked {
  /** Under a name that an earlier request had. */
  readonly isReplay: boolean;
  readonly waited: number | undefined;
}

/** Says what became of a request, and ends with a code that says it too. */
async function printAnswer(run: Run, job: JobView, { isReplay, waited }: Asked): Promise<void> {
  const isDocument = run.format === 'json' || run.format === 'yaml';
  if (job.state === 'rejected' && !isDocument) {
    for (const line of sayRejected(job)) run.terminal.err(shown(line));
    throw new Exit(REJECTED);
  }
  await printJob(run, job, [isReplay ? sayReplayed(job) : sayAnswer(job)]);
  const notes = [sayRule(job), sayBorrowed(job)].filter((line) => line !== undefined);
  if (!isDocument && job.state === 'admitted')
    for (const line of notes) note(run, `Note: ${line}.`);
  if (job.state === 'admitted') return;
  if (job.state === 'rejected') throw new Exit(REJECTED);
  if (!isDocument && job.state === 'queued') {
    const still = waited === undefined ? '' : ` still, after ${formatDuration(waited)}`;
    note(run, `It waits${still}. ${sayCancel(job)}`);
  }
  throw new Exit(QUEUED);
}

function sayAnswer(job: JobView): string {
  if (job.state === 'admitted') return sayAdmitted(job);
  return job.state === 'queued' ? sayQueued(job) : `${sayJob(job)} has waited as long as it may.`;
}

async function printJob(run: Run, job: JobView, sentences: readonly string[]): Promise<void> {
  await print(run, {
    document: job,
    rows: job.id === null ? [] : [job],
    listing: jobListing(run.host.time.now()),
    sentences,
  });
}

export function addCheck(cli: Cli, noun: Command): void {
  addVerb<RequestFlags & Pick<AdmitFlags, 'onFull'>>(
    cli,
    noun,
    {
      usage: 'check',
      summary: 'ask what would become of a request, and change nothing',
      examples: ['job check --tenant acme --cpu 4 --memory 1Gi'],
      flags: (command) => withOnFull(withRequestFlags(command)),
    },
    async (run, _, flags) => {
      const { onFull } = flags;
      const request = { ...requestOf(flags), ...(onFull !== undefined && { on_full: onFull }) };
      await printOutcome(run, await run.call(checkJob, request));
    },
  );
}

async function printOutcome(run: Run, job: JobView): Promise<void> {
  await print(run, {
    document: job,
    rows: [job],
    listing: { ...jobListing(run.host.time.now()), name: ({ state }) => state },
    sentences: sayOutcome(job),
  });
  if (job.state === 'rejected') throw new Exit(REJECTED);
  if (job.state === 'queued') throw new Exit(QUEUED);
}
