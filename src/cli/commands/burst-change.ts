import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import {
  cancelBurst,
  denyBurst,
  endBurstSession,
  getBurst,
  type BurstView,
} from '../../service/bursts.ts';
import { getJob } from '../../service/jobs.ts';
import type { JobView } from '../../service/job-view.ts';
import { jobsUnder } from '../burst-jobs.ts';
import { burstListing } from '../burst-listing.ts';
import { sayEnded, sayJobs, sayLifted } from '../burst-words.ts';
import { confirmed, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count, sayList } from '../words.ts';

export function addDeny(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'deny <session...>',
      summary: 'refuse what was asked for, and say why',
      examples: ['burst deny bst-4k6mpq8rtvwx --reason "not in release week"'],
      changes: true,
    },
    async (run, [ids]) => {
      if (run.flags.reason === undefined) {
        throw invalid('Why not? Who asked for it reads that.', 'Say --reason TEXT');
      }
      await changeEach(run, ids, {
        change: (burst) => run.call(denyBurst, { burst }),
        say: ({ id, tenant, requested_by: by }) =>
          run.isDryRun
            ? `Would deny ${id}, which ${by} asked for.`
            : `${id} is denied: ${tenant} stays as it is, and ${by} can see why.`,
      });
    },
  );
}

export function addCancel(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'cancel <session...>',
      summary: 'take back what was asked for, or was approved and has not begun',
      examples: ['burst cancel bst-4k6mpq8rtvwx'],
      changes: true,
    },
    async (run, [ids]) => {
      await changeEach(run, ids, {
        change: (burst) => run.call(cancelBurst, { burst }),
        say: (burst) =>
          run.isDryRun
            ? `Would cancel ${burst.id}: ${burst.tenant} would not get ${sayLifted(burst)}.`
            : `${burst.id} is cancelled: it will not begin.`,
      });
    },
  );
}

export function addEnd(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'end <session...>',
      summary: 'end a session before its time: the limits return at once',
      examples: ['burst end bst-4k6mpq8rtvwx', 'burst end bst-4k6mpq8rtvwx --yes'],
      changes: true,
      asks: true,
    },
    async (run, [ids]) => {
      const found = await forEach(run, named(ids), (burst) => run.call(getBurst, { burst }));
      if (found.length === 0 || !(await isMeant(run, found))) return;
      const wanted = found.map(({ id }) => id);
      const under = new Map<string, JobView[]>();
      for (const burst of found.filter(isEvicting)) {
        under.set(burst.id, await jobsUnder(run, burst.id));
      }
      const ended = await forEach(run, wanted, async (id) => {
        const burst = await run.call(endBurstSession, { burst: id });
        const had = found.find((each) => each.id === id)?.state === 'ended';
        return { burst, lines: await saysEnd(run, burst, had, under.get(id) ?? []) };
      });
      const bursts = ended.map(({ burst }) => burst);
      await printChanged(
        run,
        named(ids).length === 1,
        bursts,
        ended.flatMap(({ lines }) => lines),
      );
    },
  );
}

/** Jobs that run are at stake only where the session says that they go. */
function isEvicting({ state, on_end: onEnd, jobs }: BurstView): boolean {
  return state === 'active' && onEnd === 'evict' && jobs > 0;
}

async function isMeant(run: Run, found: readonly BurstView[]): Promise<boolean> {
  const evicting = found.filter(isEvicting);
  if (evicting.length === 0) return true;
  const jobs = evicting.reduce((sum, burst) => sum + burst.jobs, 0);
  const under = `under which ${count(jobs, 'job')} ${jobs === 1 ? 'runs' : 'run'}`;
  const which = sayList(evicting.map(({ id }) => id));
  return confirmed(run, `End ${which}, ${under}, and evict what no longer fits?`);
}

async function saysEnd(
  run: Run,
  burst: BurstView,
  hadEnded: boolean,
  under: readonly JobView[],
): Promise<string[]> {
  if (hadEnded) return [`${burst.id} had ended already: nothing was done.`];
  const sentence = sayEnded(burst, run.isDryRun);
  if (under.length === 0 || run.isDryRun || run.format !== 'table') return [sentence];
  const now = await forEach(
    run,
    under.map(({ id }) => id ?? ''),
    (job) => run.call(getJob, { job }),
  );
  const evicted = now.filter(({ state }) => state === 'evicted');
  if (evicted.length === 0) return [sentence];
  return [sentence, `Evicted ${count(evicted.length, 'job')}: ${sayJobs(evicted)}.`];
}

interface Change {
  change(burst: string): Promise<BurstView>;
  say(burst: BurstView): string;
}

async function changeEach(
  run: Run,
  ids: string | string[] | undefined,
  { change, say }: Change,
): Promise<void> {
  const bursts = await forEach(run, named(ids), change);
  await printChanged(run, named(ids).length === 1, bursts, bursts.map(say));
}

async function printChanged(
  run: Run,
  isOne: boolean,
  bursts: readonly BurstView[],
  lines: readonly string[],
): Promise<void> {
  if (bursts.length === 0) return;
  const sentences = run.isDryRun ? [...lines, 'Nothing was changed.'] : lines;
  const listing = burstListing(run.host.time.now(), run.format);
  await print(run, { document: documentOf(isOne, bursts), rows: bursts, listing, sentences });
}

/** Each of them once. */
function named(ids: string | string[] | undefined): string[] {
  return [...new Set([ids ?? []].flat())];
}
