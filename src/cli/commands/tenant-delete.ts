import type { Command } from 'commander';
import { deleteTenant, getTenant, listTenants } from '../../service/tenants.ts';
import { pagesFrom } from '../pages.ts';
import { confirmed, type Run } from '../run.ts';
import { forEach, selectedTenants, withSelector, type SelectionFlags } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count, sayList } from '../words.ts';

export function addDelete(cli: Cli, noun: Command): void {
  addVerb<SelectionFlags & { cascade?: boolean }>(
    cli,
    noun,
    {
      usage: 'delete [tenant...]',
      summary: 'delete tenants; their history stays, their names are free again',
      examples: ['tenant delete acme', 'tenant delete eng --cascade --yes'],
      changes: true,
      isVersioned: true,
      asks: true,
      flags: (command) =>
        withSelector(command).option(
          '--cascade',
          'and everything below, leaf first; ends their jobs',
        ),
    },
    async (run, [names], flags) => {
      const cascade = flags.cascade === true;
      const tenants = await selectedTenants(run, names as string[], flags);
      // Read before anybody is asked: the question should be about what there is, and where.
      const found = await forEach(run, tenants, (reference) => findDoomed(run, reference, cascade));
      const { topmost, below } = withoutRepetition(found);
      if (topmost.length === 0) return;
      if (!(await confirmed(run, `Delete ${sayDoomed(topmost, below)}?`))) return;
      const deleted = await forEach(
        run,
        topmost.map(({ reference }) => reference),
        (tenant) => run.call(deleteTenant, { tenant, cascade }),
      );
      if (deleted.length < topmost.length) return;
      sayDeleted(run, sayDoomed(topmost, below));
    },
  );
}

/** A tenant that is to be deleted, and what goes with it. */
interface Doomed {
  /** As it was named: a name, or an id. */
  readonly reference: string;
  readonly id: string;
  readonly name: string;
  /** Ids of all that is below it. */
  readonly below: readonly string[];
}

async function findDoomed(run: Run, reference: string, cascade: boolean): Promise<Doomed> {
  const { id, name } = await run.call(getTenant, { tenant: reference });
  const below: string[] = [];
  if (cascade) {
    const pages = pagesFrom({}, (page) =>
      run.call(listTenants, { parent: id, tree: true, ...page }),
    );
    for await (const { items } of pages) below.push(...items.map((tenant) => tenant.id));
  }
  return { reference, id, name, below };
}

/** Who is below another one that was named goes with it, and is counted once. */
function withoutRepetition(found: readonly Doomed[]): { topmost: Doomed[]; below: number } {
  const below = new Set(found.flatMap((tenant) => tenant.below));
  return { topmost: found.filter(({ id }) => !below.has(id)), below: below.size };
}

function sayDoomed(tenants: readonly Doomed[], below: number): string {
  const names = tenants.map(({ name }) => name);
  const named = tenants.length > 5 ? count(tenants.length, 'tenant') : sayList(names);
  return below === 0 ? named : `${named} and ${count(below, 'tenant')} below`;
}

function sayDeleted(run: Run, what: string): void {
  if (run.format !== 'table') return;
  run.terminal.out(
    run.isDryRun ? `Would delete ${what}. Nothing was changed.` : `Deleted ${what}.`,
  );
}
