import { Option, type Command } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { jobStates } from '../../domain/job.ts';
import { getJob, listJobs } from '../../service/jobs.ts';
import { jobFieldsOf, jobListing } from '../job-words.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { print } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { fieldListing } from '../tenant-words.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { addAdmit, addCheck } from './job-admit.ts';
import { addAdopt } from './job-adopt.ts';
import { addCancel, addRelease, addRenew, addResize } from './job-change.ts';

export function register(cli: Cli, noun: Command): void {
  addAdmit(cli, noun);
  addCheck(cli, noun);
  addRelease(cli, noun);
  addRenew(cli, noun);
  addResize(cli, noun);
  addCancel(cli, noun);
  addList(cli, noun);
  addGet(cli, noun);
  addAdopt(cli, noun);
}

const states = [...jobStates, 'live', 'ended', 'all'] as const;

interface ListFlags extends PageFlags {
  readonly state?: (typeof states)[number];
  readonly tenant?: string;
  readonly pool?: string;
  readonly burst?: string;
  readonly olderThan?: number;
}

function addList(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'list jobs, the newest first',
      examples: [
        'job list --state queued --tenant acme',
        'job list --state all --pool gpu',
        'job list -o name --older-than 24h | xargs hodei job release',
      ],
      flags: (command) =>
        withPageFlags(
          command
            .addOption(
              new Option('--state <state>', 'in this state; live is queued or admitted').choices(
                states,
              ),
            )
            .option('--tenant <tenant>', 'only jobs of this tenant itself')
            .option('--pool <pool>', 'only jobs in this pool')
            .option('--burst <session>', 'only those that would not have fitted without it')
            .option('--older-than <time>', 'only those requested longer ago', parseDuration),
          toWholeNumber,
        ),
    },
    async (run, _, flags) => {
      const { state, tenant, pool, burst, olderThan } = flags;
      await printPages(
        run,
        flags,
        () => jobListing(run.host.time.now()),
        (page) =>
          run.call(listJobs, {
            ...page,
            ...(state !== undefined && { state }),
            ...(tenant !== undefined && { tenant }),
            ...(pool !== undefined && { pool }),
            ...(burst !== undefined && { burst }),
            ...(olderThan !== undefined && { older_than_seconds: olderThan }),
          }),
      );
    },
  );
}

function addGet(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'get <job...>',
      summary: 'show jobs by id, or as <tenant>:<key>',
      examples: ['job get acme:build-812', 'job get acme:build-812 --json'],
    },
    async (run, [names]) => {
      const wanted = names as string[];
      const jobs = await forEach(run, wanted, (job) => run.call(getJob, { job }));
      const [first] = jobs;
      if (first === undefined) return;
      const isOne = wanted.length === 1;
      if (isOne && run.format === 'table') {
        await print(run, { document: first, rows: jobFieldsOf(first), listing: fieldListing });
        return;
      }
      const listing = jobListing(run.host.time.now());
      await print(run, { document: documentOf(isOne, jobs), rows: jobs, listing });
    },
  );
}
