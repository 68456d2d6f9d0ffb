import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { getTenant, updateTenant } from '../../service/tenants.ts';
import type { TenantView } from '../../service/tenant-view.ts';
import type { Run } from '../run.ts';
import { forEach, selectedTenants, withSelector, type SelectionFlags } from '../selection.ts';
import { labelsOf, withFieldFlags, type FieldFlags } from '../tenant-flags.ts';
import { printChanged, sayFields } from '../tenant-words.ts';
import { addVerb, collect, type Cli } from '../verb.ts';

interface UpdateFlags extends FieldFlags, SelectionFlags {
  readonly name?: string;
  readonly unlabel?: string[];
  readonly force?: boolean;
}

export function addUpdate(cli: Cli, noun: Command): void {
  addVerb<UpdateFlags>(
    cli,
    noun,
    {
      usage: 'update [tenant...]',
      summary: 'rename, move or relabel tenants',
      examples: [
        'tenant update acme --name acme-eu',
        'tenant update web api --parent platform --reason "reorganised"',
        'tenant update -l tier=bronze --label tier=silver --unlabel trial',
      ],
      changes: true,
      isVersioned: true,
      flags: (command) =>
        withSelector(withFieldFlags(command.option('--name <name>', 'the new name')))
          .option('--no-parent', 'make it a root')
          .option('--force', 'move it also where that brings a tenant above it over a limit')
          .option('--unlabel <key>', 'take a label away; may be given several times', collect),
    },
    async (run, [names], flags) => {
      const tenants = await selectedTenants(run, names as string[], flags);
      if (flags.name !== undefined && tenants.length > 1) {
        throw invalid(`Only one tenant can be called ${flags.name}.`);
      }
      const updated = await forEach(run, tenants, (tenant) => updateOne(run, tenant, flags));
      await printChanged(run, tenants.length === 1, updated, (tenant) =>
        run.isDryRun ? `Would change ${tenant.name}.` : `${tenant.name}: ${sayFields(tenant)}.`,
      );
    },
  );
}

/** Labels travel as a whole, so they are read first, and written only over what was read. */
async function updateOne(run: Run, tenant: string, flags: UpdateFlags): Promise<TenantView> {
  const { name, email, parent, weight, label, unlabel, force } = flags;
  const fields = {
    tenant,
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email }),
    ...(weight !== undefined && { weight }),
    ...(parent !== undefined && { parent: parent === false ? null : parent }),
  };
  const isForced = force === true && { force };
  if (label === undefined && unlabel === undefined) {
    if (Object.keys(fields).length > 1) return run.call(updateTenant, { ...fields, ...isForced });
    throw invalid('Nothing to change was named.', 'See what can be: hodei tenant update --help');
  }
  const before = await run.call(getTenant, { tenant });
  const kept = Object.entries(before.labels).filter(([key]) => unlabel?.includes(key) !== true);
  const labels = { ...Object.fromEntries(kept), ...labelsOf(label) };
  const ifVersion = run.flags.ifVersion ?? before.version;
  return run.call(updateTenant, { ...fields, ...isForced, labels }, { ifVersion });
}
