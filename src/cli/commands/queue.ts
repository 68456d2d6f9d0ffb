import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { listQueue, PLACES_LISTED, queueStatus, type QueuedJobView } from '../../service/queue.ts';
import type { QueueStatus } from '../../service/queue-status.ts';
import { pagesFrom, printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { queueListing, sayQueue, sayTurns, tenantsListing, tenantsOf } from '../queue-words.ts';
import { note, print, type Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { count } from '../words.ts';

interface PoolFlag {
  readonly pool?: string;
}

type ListFlags = PageFlags & PoolFlag;

export function register(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'who waits, in the order of their turn, and what for',
      examples: ['queue list', 'queue list --pool gpu --limit 10', 'queue list -o name'],
      flags: (command) => withPageFlags(withPoolFlag(command), toWholeNumber),
    },
    async (run, _, flags) => {
      if (flags.pool !== undefined) return listOne(run, flags.pool, flags);
      const pools = (await queues(run)).map(({ pool }) => pool);
      const [only] = pools;
      if (only !== undefined && pools.length === 1) return listOne(run, only, flags);
      await listSeveral(run, pools, flags);
    },
  );
  addVerb<PoolFlag>(
    cli,
    noun,
    {
      usage: 'status',
      summary: 'where jobs wait: whose turn it is and why, and the tenants by their shares',
      examples: ['queue status', 'queue status --pool gpu --json'],
      flags: withPoolFlag,
    },
    async (run, _, { pool }) => printStatus(run, await queues(run, pool)),
  );
}

function withPoolFlag(command: Command): Command {
  return command.option('--pool <pool>', 'only in this pool');
}

/** Where somebody waits, or of the pool that is named. */
async function queues(run: Run, pool?: string): Promise<QueueStatus[]> {
  const found: QueueStatus[] = [];
  const named = pool !== undefined && { pool };
  const fetch = (page: { limit: number }) => run.call(queueStatus, { ...page, ...named });
  for await (const page of pagesFrom({}, fetch)) found.push(...page.items);
  return found;
}

async function listOne(run: Run, pool: string, flags: PageFlags): Promise<void> {
  let last: QueuedJobView | undefined;
  await printPages(
    run,
    flags,
    () => queueListing(run.host.time.now(), false),
    async (page) => {
      const answer = await run.call(listQueue, { ...page, pool });
      last = answer.items.at(-1) ?? last;
      return answer;
    },
    `Nobody waits in pool ${pool}.`,
  );
  sayIfCut(run, last);
}

function sayIfCut(run: Run, last: QueuedJobView | undefined): void {
  if (last?.position !== PLACES_LISTED) return;
  const places = PLACES_LISTED.toLocaleString('en-US');
  note(
    run,
    `Pool ${last.pool} has no more than ${places} places here; all who wait: ` +
      `hodei job list --state queued --pool ${last.pool}`,
  );
}

/** @throws invalid where a page is asked for: it would be one of several lines. */
async function listSeveral(run: Run, pools: readonly string[], flags: PageFlags): Promise<void> {
  if (pools.length > 1 && (flags.limit !== undefined || flags.cursor !== undefined)) {
    throw invalid('A page is of one pool.', `Say which with --pool: ${pools.join(', ')}.`);
  }
  const rows: QueuedJobView[] = [];
  for (const pool of pools) {
    const fetch = (page: { limit: number }) => run.call(listQueue, { ...page, pool });
    for await (const page of pagesFrom({}, fetch)) rows.push(...page.items);
    sayIfCut(run, rows.at(-1));
  }
  const document = { items: rows, next_cursor: null };
  await print(run, { document, rows, listing: queueListing(run.host.time.now(), true) });
  if (rows.length === 0 && run.format === 'table') note(run, 'Nobody waits.');
}

async function printStatus(run: Run, found: readonly QueueStatus[]): Promise<void> {
  const { terminal, format } = run;
  if (format === 'table' && terminal.isOutTerminal) {
    for (const [i, queue] of found.entries()) {
      if (i > 0) terminal.out('');
      await printQueue(run, queue);
    }
  } else {
    const document = { items: found, next_cursor: null };
    await print(run, { document, rows: found.flatMap(tenantsOf), listing: tenantsListing(true) });
  }
  if (format === 'table' && found.length === 0) note(run, 'Nobody waits.');
}

/** A pool for people: a line about the whole, whose turn it is, then its tenants. */
async function printQueue(run: Run, queue: QueueStatus): Promise<void> {
  const { out, outColour } = run.terminal;
  const now = run.host.time.now();
  const summary = shown(sayQueue(queue, now));
  out(`${shown(queue.pool)}  ${queue.status === 'held' ? outColour.red(summary) : summary}`);
  for (const sentence of sayTurns(queue, now)) out(shown(sentence));
  const { tenants, more_tenants: more } = queue;
  if (tenants.length === 0) return;
  out('');
  const rows = tenantsOf(queue);
  await print(run, { document: queue, rows, listing: tenantsListing(false) });
  if (more > 0) out(outColour.dim(`and ${count(more, 'more tenant')}`));
}
