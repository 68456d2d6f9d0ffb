import type { Command } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { invalid } from '../../domain/errors.ts';
import type { JobView } from '../../service/job-view.ts';
import { cancelJob, releaseJob, renew, resizeJob } from '../../service/jobs.ts';
import { sayNeeds } from '../decision-words.ts';
import { Exit, REJECTED } from '../exit-codes.ts';
import { amountsOf, withAmountFlags, type AmountFlags } from '../job-flags.ts';
import { jobListing, sayEndedBefore, sayFreed, sayJob, sayRejected } from '../job-words.ts';
import { print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { shown } from '../terminal.ts';
import { addVerb, type Cli } from '../verb.ts';
import { sayMoment } from '../words.ts';

export function addRelease(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'release <job...>',
      summary: 'say that jobs have ended: what they held is free',
      examples: [
        'job release acme:build-812',
        'job list -o name --older-than 24h | xargs hodei job release',
      ],
      changes: true,
    },
    async (run, [names]) => {
      await changeEach(run, names as string[], (job) => run.call(releaseJob, { job }), {
        done: (job) => `Released ${sayJob(job)}: ${sayFreed(job)}.`,
        would: (job) => `Would release ${sayJob(job)}: ${sayNeeds(job.resources).join(', ')}.`,
      });
    },
  );
}

export function addCancel(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'cancel <job...>',
      summary: 'take waiting jobs out of the queue',
      examples: ['job cancel acme:build-814'],
      changes: true,
    },
    async (run, [names]) => {
      await changeEach(run, names as string[], (job) => run.call(cancelJob, { job }), {
        done: (job) => `Cancelled ${sayJob(job)}: it waits no more.`,
        would: (job) => `Would cancel ${sayJob(job)}.`,
      });
    },
  );
}

export function addRenew(cli: Cli, noun: Command): void {
  addVerb<{ ttl?: number }>(
    cli,
    noun,
    {
      usage: 'renew <job...>',
      summary: 'start the leases of jobs anew, and take promoted ones over',
      examples: ['job renew acme:build-812', 'job renew acme:build-812 --ttl 2h'],
      changes: true,
      flags: (command) => command.option('--ttl <time>', 'another lease', parseDuration),
    },
    async (run, [names], { ttl }) => {
      const lease = ttl === undefined ? {} : { ttl_seconds: ttl };
      const { now } = run.host.time;
      await changeEach(run, names as string[], (job) => run.call(renew, { job, ...lease }), {
        done: (job) => `Renewed ${sayJob(job)}: ${sayLease(job, now())}.`,
        would: (job) => `Would renew ${sayJob(job)}: ${sayLease(job, now())}.`,
      });
    },
  );
}

function sayLease({ state, expires_at: until }: JobView, now: number): string {
  if (until === null) return 'it has no lease, and ends when it is released';
  return `${state === 'queued' ? 'it waits' : 'its lease runs'} until ${sayMoment(until, now)}`;
}

export function addResize(cli: Cli, noun: Command): void {
  addVerb<AmountFlags>(
    cli,
    noun,
    {
      usage: 'resize <job>',
      summary: 'change what a running job holds; what is not named stays as it is',
      examples: ['job resize acme:build-812 --cpu 4 --memory 8Gi'],
      changes: true,
      flags: withAmountFlags,
    },
    async (run, [name], flags) => {
      const amounts = amountsOf(flags);
      if (Object.keys(amounts).length === 0) {
        throw invalid('No amount was named.', 'Such as: hodei job resize acme:build-812 --cpu 4');
      }
      const job = await run.call(resizeJob, { job: String(name), ...amounts });
      await printResized(run, job);
    },
  );
}

async function printResized(run: Run, job: JobView): Promise<void> {
  const isDocument = run.format === 'json' || run.format === 'yaml';
  if (job.state === 'rejected' && !isDocument) {
    for (const line of sayRejected(job, { grows: true })) run.terminal.err(shown(line));
    throw new Exit(REJECTED);
  }
  const holds = sayNeeds(job.resources).join(', ');
  await printChanged(run, true, [job], {
    done: () =>
      `${sayJob(job)} holds ${holds}${job.replayed === true ? ' already: nothing was done' : ''}.`,
    would: () => `${sayJob(job)} would hold ${holds}.`,
  });
  if (job.state === 'rejected') throw new Exit(REJECTED);
}

interface ChangeWords {
  done(job: JobView): string;
  /** Of a dry run. */
  would(job: JobView): string;
}

async function changeEach(
  run: Run,
  names: readonly string[],
  change: (job: string) => Promise<JobView>,
  words: ChangeWords,
): Promise<void> {
  const jobs = await forEach(run, names, change);
  const { now } = run.host.time;
  await printChanged(run, names.length === 1, jobs, {
    done: (job) => (job.replayed === true ? sayEndedBefore(job, now()) : words.done(job)),
    would: (job) => (job.replayed === true ? sayEndedBefore(job, now()) : words.would(job)),
  });
}

async function printChanged(
  run: Run,
  isOne: boolean,
  jobs: readonly JobView[],
  { done, would }: ChangeWords,
): Promise<void> {
  if (jobs.length === 0) return;
  const sentences = jobs.map(run.isDryRun ? would : done);
  if (run.isDryRun) sentences.push('Nothing was changed.');
  const listing = jobListing(run.host.time.now());
  await print(run, { document: documentOf(isOne, jobs), rows: jobs, listing, sentences });
}
