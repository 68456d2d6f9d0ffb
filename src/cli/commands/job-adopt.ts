import type { Command } from 'commander';
import { errorCodes, HodeiError, invalid } from '../../domain/errors.ts';
import { adoptJobs } from '../../service/job-batch.ts';
import type { JobView } from '../../service/job-view.ts';
import { chunksOf, MAX_ENTRIES_BYTES, parseEntries, type Entry } from '../job-entries.ts';
import { jobListing } from '../job-words.ts';
import { note, print, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count } from '../words.ts';

/** The job, or why there is none. */
type Outcome = Awaited<ReturnType<typeof sendEntries>>[number];

export function addAdopt(cli: Cli, noun: Command): void {
  addVerb<{ file?: string }>(
    cli,
    noun,
    {
      usage: 'adopt',
      summary: 'register jobs that run already, also above limits',
      examples: ['job adopt -f running.json', 'job adopt -f running.json --dry-run'],
      changes: true,
      flags: (command) =>
        command.option(
          '-f, --file <path>',
          'a JSON array, or one object a line, of requests with started_at; - is the input',
        ),
    },
    async (run, _, { file }) => {
      if (file === undefined) throw invalid('Which jobs?', 'Name a file: -f running.json, or -f -');
      const text = await run.host.readText(file, MAX_ENTRIES_BYTES);
      const outcomes = await adopt(run, parseEntries(text));
      for (const [i, outcome] of outcomes.entries()) {
        if (!isAdopted(outcome)) run.fail(errorOf(outcome), `entry ${i + 1}`);
      }
      await printAdopted(run, outcomes);
    },
  );
}

/** Each part has an answer of its own, so that a failing one does not hide what was done before. */
async function adopt(run: Run, entries: readonly Entry[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const jobs of chunksOf(entries)) {
    try {
      outcomes.push(...(await sendEntries(run, jobs)));
    } catch (error) {
      if (outcomes.length > 0) {
        const done = outcomes.filter(isAdopted).length.toLocaleString('en-US');
        note(run, `Before that, ${done} of ${count(outcomes.length, 'job')} were adopted.`);
      }
      throw error;
    }
  }
  return outcomes;
}

async function sendEntries(run: Run, jobs: Entry[]) {
  return (await run.call(adoptJobs, { jobs })).items;
}

function isAdopted(outcome: Outcome): outcome is JobView {
  return 'state' in outcome;
}

function errorOf({ error, code, hint }: Exclude<Outcome, JobView>): HodeiError {
  const known = errorCodes.find((candidate) => candidate === code) ?? 'internal';
  return new HodeiError(known, error, { hint });
}

async function printAdopted(run: Run, outcomes: readonly Outcome[]): Promise<void> {
  const jobs = outcomes.filter(isAdopted);
  await print(run, {
    document: { items: outcomes },
    rows: jobs,
    listing: jobListing(run.host.time.now()),
    sentences: sayAdopted(run, jobs, outcomes.length),
  });
}

function sayAdopted({ isDryRun }: Run, jobs: readonly JobView[], asked: number): string[] {
  const before = jobs.filter(({ replayed }) => replayed === true).length;
  const now = jobs.length - before;
  const number = now === asked ? '' : `${now.toLocaleString('en-US')} of `;
  const verb = isDryRun ? 'Would adopt' : 'Adopted';
  const already =
    before === 0 ? '' : ` ${before.toLocaleString('en-US')} of them hodei knew already.`;
  const sentence = `${verb} ${number}${count(asked, 'job')}.${already}`;
  return isDryRun ? [sentence, 'Nothing was changed.'] : [sentence];
}
