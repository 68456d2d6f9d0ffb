import type { Command } from 'commander';
import { createPool, deletePool, getPool, listPools } from '../../service/pools.ts';
import type { PoolView } from '../../service/pool-view.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { limited, named, poolOf, withPoolFlags, type PoolFlags } from '../pool-flags.ts';
import {
  poolListing,
  poolsListing,
  printPools,
  resourcesOf,
  sayPool,
  sayState,
  saySummary,
} from '../pool-words.ts';
import { confirmed, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { shown } from '../terminal.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { sayList } from '../words.ts';
import { addHold, addResume } from './pool-hold.ts';
import { addUpdate } from './pool-update.ts';

export function register(cli: Cli, noun: Command): void {
  addCreate(cli, noun);
  addGet(cli, noun);
  addList(cli, noun);
  addUpdate(cli, noun);
  addHold(cli, noun);
  addResume(cli, noun);
  addDelete(cli, noun);
}

function addCreate(cli: Cli, noun: Command): void {
  addVerb<PoolFlags>(
    cli,
    noun,
    {
      usage: 'create <id>',
      summary: 'create a pool: what a worker has, and how many there are',
      examples: [
        'pool create gpu --cpu 9 --memory 18Gi --gpu 2 --max-size 4',
        'pool create spot --type dynamic --min-size 0 --max-size 50 --cpu 4 --memory 16Gi',
        'pool create licences --set license=20 --max-jobs-per-tenant 5',
      ],
      changes: true,
      flags: withPoolFlags,
    },
    async (run, [id], flags) => {
      const { fields, resources } = poolOf(flags);
      const created = await run.call(createPool, {
        id: String(id),
        ...fields,
        resources: limited(resources),
      });
      const sentence = run.isDryRun
        ? `Would create pool ${created.id}: ${sayPool(created)}. Nothing was changed.`
        : `Created pool ${created.id}: ${sayPool(created)}.`;
      await printPools(run, true, [created], [sentence]);
    },
  );
}

function addGet(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'get <pool...>',
      summary: 'what a pool has, what is used of it, and what is promised',
      examples: ['pool get gpu', 'pool get gpu --json | jq .capacity.cpu_m'],
    },
    async (run, [ids]) => {
      const wanted = named(ids);
      const pools = await forEach(run, wanted, (pool) => run.call(getPool, { pool }));
      const [first] = pools;
      if (first === undefined) return;
      if (wanted.length === 1 && (run.format === 'table' || run.format === 'csv')) {
        await printOne(run, first);
        return;
      }
      const document = documentOf(wanted.length === 1, pools);
      await print(run, { document, rows: pools, listing: poolsListing(pools) });
    },
  );
}

/** Its resources; for a person with a line about the whole before and after. */
async function printOne(run: Run, pool: PoolView): Promise<void> {
  const { out, isOutTerminal, outColour } = run.terminal;
  const isRead = isOutTerminal && run.format === 'table';
  if (isRead) {
    const title = pool.name === pool.id ? '' : ` (${pool.name})`;
    const state = shown(sayState(pool, run.host.time.now()));
    const coloured = pool.status === 'held' ? outColour.red(state) : state;
    out(`${shown(pool.id + title)}  ${coloured}`);
  }
  const listing = poolListing(isOutTerminal);
  await print(run, { document: pool, rows: resourcesOf(pool), listing });
  const summary = saySummary(pool);
  if (isRead && summary !== undefined) out(summary);
}

function addList(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'pools: used of what they have, and what runs and waits',
      examples: ['pool list', 'pool list -o name'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, _, flags) => {
      await printPages(run, flags, poolsListing, (page) => run.call(listPools, page));
    },
  );
}

function addDelete(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'delete <pool...>',
      summary: 'delete pools in which no job lives; their ids are free again',
      examples: ['pool delete gpu', 'pool delete gpu spot --yes'],
      changes: true,
      isVersioned: true,
      asks: true,
    },
    async (run, [ids]) => {
      // Read before anybody is asked: the question should be about what there is.
      const found = await forEach(run, named(ids), (pool) => run.call(getPool, { pool }));
      const doomed = found.map(({ id }) => id);
      if (doomed.length === 0) return;
      if (!(await confirmed(run, `Delete ${sayPools(doomed)}?`))) return;
      const deleted = await forEach(run, doomed, async (pool) => {
        await run.call(deletePool, { pool });
        return pool;
      });
      if (deleted.length === 0 || run.format !== 'table') return;
      const what = sayPools(deleted);
      run.terminal.out(
        run.isDryRun ? `Would delete ${what}. Nothing was changed.` : `Deleted ${what}.`,
      );
    },
  );
}

function sayPools(ids: readonly string[]): string {
  return ids.length === 1 ? `pool ${sayList(ids)}` : `pools ${sayList(ids)}`;
}
