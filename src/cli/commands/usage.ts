import { Option, type Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { getUsage, listUsage } from '../../service/usage.ts';
import type { UsageView } from '../../service/usage-view.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { print, type Run } from '../run.ts';
import { withSelector, type SelectionFlags } from '../selection.ts';
import { poolColumn, poolRowsOf, tenantColumn, usageListing } from '../usage-words.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { addHistory } from './usage-history.ts';
import { addPrune } from './usage-prune.ts';
import { addVerify } from './usage-verify.ts';

export function register(cli: Cli, noun: Command): void {
  addShow(cli, noun);
  addHistory(cli, noun);
  addVerify(cli, noun);
  addPrune(cli, noun);
}

interface ShowFlags extends PageFlags, SelectionFlags {
  readonly tree?: boolean;
  readonly status?: 'active' | 'suspended';
  readonly prefix?: string;
}

function addShow(cli: Cli, noun: Command): void {
  addVerb<ShowFlags>(
    cli,
    noun,
    {
      usage: 'show [tenant]',
      summary: 'what tenants hold now, each with all below it; without a name the roots',
      examples: ['usage show', 'usage show acme', 'usage show acme --tree', 'usage show --json'],
      flags: (command) =>
        withPageFlags(
          withSelector(command)
            .option('--tree', 'with everything below, in the order of the tree')
            .addOption(
              new Option('--status <status>', 'all of this status').choices([
                'active',
                'suspended',
              ]),
            )
            .option('--prefix <text>', 'all whose names begin with this'),
          toWholeNumber,
        ),
    },
    async (run, [name], flags) => {
      const top = name === undefined ? undefined : String(name);
      if (top !== undefined && flags.tree !== true) {
        if (hasFilter(flags)) {
          throw invalid('Name a tenant or select some, not both.', 'With --tree: some below it.');
        }
        await showOne(run, await run.call(getUsage, { tenant: top }));
        return;
      }
      await showMany(run, top, flags);
    },
  );
}

function hasFilter({ selector, status, prefix }: ShowFlags): boolean {
  return selector !== undefined || status !== undefined || prefix !== undefined;
}

/** A tenant and its part in each pool: two tables for people, rows of one kind for programs. */
async function showOne(run: Run, usage: UsageView): Promise<void> {
  const { format, terminal } = run;
  const pools = poolRowsOf(usage);
  if (format !== 'table' || !terminal.isOutTerminal) {
    const rows = format === 'name' ? [usage] : [usage, ...pools];
    const listing = usageListing(format, [tenantColumn, poolColumn], rows);
    await print(run, { document: usage, rows, listing });
    return;
  }
  const listing = usageListing(format, [tenantColumn], [usage]);
  await print(run, { document: usage, rows: [usage], listing });
  if (pools.length === 0) return;
  terminal.out('');
  const poolListing = usageListing(format, [poolColumn], pools);
  await print(run, { document: usage, rows: pools, listing: poolListing });
}

async function showMany(run: Run, name: string | undefined, flags: ShowFlags): Promise<void> {
  const { tree, status, prefix, selector } = flags;
  const top = name === undefined ? undefined : await run.call(getUsage, { tenant: name });
  await printPages<UsageView>(
    run,
    flags,
    (rows) => usageListing(run.format, [tenantColumn], rows),
    async (page) => {
      const listed = await run.call(listUsage, {
        ...page,
        ...(tree === true ? { tree } : { roots: !hasFilter(flags) }),
        ...(top !== undefined && { parent: top.tenant_id }),
        ...(status !== undefined && { status }),
        ...(prefix !== undefined && { name_prefix: prefix }),
        ...(selector !== undefined && { label: selector }),
      });
      return top === undefined ? listed : below(top, listed, page.cursor === undefined);
    },
  );
}

interface Page {
  readonly items: UsageView[];
  readonly next_cursor: string | null;
}

/** A page of what is below a tenant, under that tenant itself. */
function below(top: UsageView, { items, next_cursor }: Page, isFirst: boolean): Page {
  const deeper = items.map((item) => ({ ...item, depth: (item.depth ?? 0) + 1 }));
  return { items: isFirst ? [{ ...top, depth: 0 }, ...deeper] : deeper, next_cursor };
}
