import type { Command } from 'commander';
import { conflict } from '../../domain/errors.ts';
import { approveBurstSession, getBurst, type BurstView } from '../../service/bursts.ts';
import { jobsUnder } from '../burst-jobs.ts';
import { burstListing } from '../burst-listing.ts';
import { saysAgreement, saySession } from '../burst-words.ts';
import { sayStarted } from '../effect-words.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';

export function addApprove(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'approve <session...>',
      summary: 'agree to what somebody else asked for, after it was shown',
      examples: [
        'burst approve bst-4k6mpq8rtvwx',
        'burst list --state requested -o name | xargs hodei burst approve --yes',
      ],
      changes: true,
      asks: true,
    },
    async (run, [ids]) => approve(run, [...new Set(ids as string[])]),
  );
}

/** Read before anybody is asked: nobody should agree to what they have not seen. */
async function approve(run: Run, wanted: readonly string[]): Promise<void> {
  const found = await forEach(run, wanted, async (id) =>
    requireOpen(await run.call(getBurst, { burst: id })),
  );
  const now = run.host.time.now();
  const asked = found.filter(({ state }) => state === 'requested');
  if (run.format === 'table') {
    for (const line of asked.flatMap((burst) => saysAgreement(burst, now))) note(run, line);
  }
  const question = asked.length === 1 ? 'Approve?' : `Approve these ${asked.length}?`;
  if (asked.length > 0 && !(await confirmed(run, question))) return;
  const isAsked = new Set(asked.map(({ id }) => id));
  const answers = await forEach(
    run,
    found.map(({ id }) => id),
    async (id) => {
      const before = found.find((burst) => burst.id === id);
      const burst = isAsked.has(id) ? await run.call(approveBurstSession, { burst: id }) : before;
      if (burst === undefined) throw new Error(`session ${id} was read and is not there`);
      return { burst, lines: await saysAnswer(run, burst, isAsked.has(id)) };
    },
  );
  if (answers.length === 0) return;
  const bursts = answers.map(({ burst }) => burst);
  await print(run, {
    document: documentOf(wanted.length === 1, bursts),
    rows: bursts,
    listing: burstListing(now, run.format),
    sentences: answers.flatMap(({ lines }) => lines),
  });
}

/** @throws conflict, naming the state, where nobody can agree any more. */
function requireOpen(burst: BurstView): BurstView {
  const { id, state, decided_by: by } = burst;
  if (state === 'requested' || state === 'approved' || state === 'active') return burst;
  const who = by === null || state === 'ended' ? '' : ` by ${by}`;
  throw conflict(
    `${id} is ${state}${who}, and cannot be approved.`,
    'Ask for another one: hodei burst request',
  );
}

/** How it stands now, and which of those who waited run already. */
async function saysAnswer(run: Run, burst: BurstView, isNew: boolean): Promise<string[]> {
  const now = run.host.time.now();
  const sentence = saySession(burst, now, run.isDryRun);
  if (!isNew) return [`${sentence} Nothing was done.`];
  if (run.isDryRun) return [`${sentence} Nothing was changed.`];
  if (burst.state !== 'active' || run.format !== 'table') return [sentence];
  const started = (await jobsUnder(run, burst.id)).map(({ id, ...job }) => ({
    ...job,
    id: id ?? '',
  }));
  return [sentence, ...sayStarted(started, false)];
}
