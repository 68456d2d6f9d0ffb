import type { Command } from 'commander';
import { pruneUsage } from '../../service/usage-prune.ts';
import { Exit } from '../exit-codes.ts';
import { sayUtc, toInstantByUtc } from '../instant.ts';
import { stoppedCode, watchStop } from '../job-wait.ts';
import type { Listing } from '../render.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count } from '../words.ts';

export function addPrune(cli: Cli, noun: Command): void {
  addVerb<{ before?: string }>(
    cli,
    noun,
    {
      usage: 'prune',
      summary: 'remove old ended jobs; what they used and cost is kept by the hour',
      examples: ['usage prune', 'usage prune --before 2026-08-01 --dry-run', 'usage prune --yes'],
      changes: true,
      asks: true,
      flags: (command) =>
        command.option(
          '--before <time>',
          'that ended before a day (UTC) or time; else as retention_days says',
          toInstantByUtc,
        ),
    },
    async (run, _, { before }) => {
      const first = await findFirst(run, before === undefined ? {} : { before });
      const ended = sayEnded(first);
      if (first.before === null || (first.next === null && first.removed === 0)) {
        const why = first.before === null ? NEVER : `There are no ${ended}.`;
        return printPruned(run, first, why);
      }
      const question = `Remove the ${ended}? What they used and cost is kept by the hour, their ids and labels are not.`;
      if (!(await confirmed(run, question))) return;
      const pruned = await pruneAll(run, first.before);
      await printPruned(run, pruned, sayPruned(run, pruned));
    },
  );
}

type Step = Awaited<ReturnType<typeof stepOf>>;

const NEVER =
  'Nothing is removed by itself, since retention_days is null. Say until when: --before 2026-08-01';

const LISTING: Listing<Step> = {
  name: ({ before }) => before ?? '',
  columns: [
    { header: 'BEFORE', text: ({ before }) => before ?? '' },
    { header: 'REMOVED', text: ({ removed }) => String(removed) },
  ],
};

function stepOf(run: Run, asked: { before?: string; after?: number }, dryRun = run.isDryRun) {
  return run.call(pruneUsage, asked, { dryRun });
}

/** Looks for the first job to be removed: nobody should be asked about nothing. */
async function findFirst(run: Run, asked: { before?: string }): Promise<Step> {
  let step = await stepOf(run, asked, true);
  while (step.removed === 0 && step.behind === 0 && step.before !== null && step.next !== null) {
    step = await stepOf(run, { before: step.before, after: step.next }, true);
  }
  return step;
}

/** Step by step until all is done, or somebody says stop between two of them. */
async function pruneAll(run: Run, before: string): Promise<Step> {
  const { stop, isStopped, forget } = watchStop(run.host);
  let [removed, after] = [0, 0];
  try {
    for (;;) {
      const step = await stepOf(run, { before, after });
      removed += step.removed;
      const isStuck = run.isDryRun && step.behind > 0;
      if (step.next === null || isStuck) return { ...step, removed };
      after = step.next;
      run.terminal.errStatus(sayProgress({ ...step, removed }));
      // Signals are heard only where something is waited for.
      await run.host.time.pause(0);
      if (isStopped()) throw stopped(run, { ...step, removed }, stoppedCode(stop));
    }
  } finally {
    forget();
    run.terminal.errStatus('');
  }
}

function stopped(run: Run, step: Step, code: number): Exit {
  run.terminal.errStatus('');
  const unchanged = run.isDryRun ? ' Nothing was changed.' : ' Run it again to go on.';
  note(run, `Stopped. ${sayProgress(step)}.${unchanged}`);
  return new Exit(code);
}

/** `45 % looked through, 120,000 jobs removed` */
function sayProgress({ behind, next, last, removed }: Step): string {
  if (behind > 0) return `Summing up what was used: ${count(behind, 'event')} left`;
  const percent = Math.floor((100 * (next ?? last)) / Math.max(1, last));
  return `${Math.min(100, percent)} % looked through, ${count(removed, 'job')} removed`;
}

function sayEnded({ before }: Step): string {
  return `jobs that ended before ${sayUtc(before ?? '')}`;
}

function sayPruned({ isDryRun }: Run, step: Step): string {
  const jobs = `${count(step.removed, 'job')} that ended before ${sayUtc(step.before ?? '')}`;
  if (!isDryRun)
    return `Removed ${jobs}. No total has changed: what they used is kept by the hour.`;
  if (step.behind === 0) return `Would remove ${jobs}. Nothing was changed.`;
  const left = count(step.behind, 'event');
  return `Would first sum up what was used: ${left} and more, so how many jobs is not known yet. Nothing was changed.`;
}

async function printPruned(run: Run, step: Step, sentence: string): Promise<void> {
  await print(run, { document: step, rows: [step], listing: LISTING, sentences: [sentence] });
}
