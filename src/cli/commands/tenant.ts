import { Option, type Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import type { TenantView } from '../../service/tenant-view.ts';
import { getQuota } from '../../service/quotas.ts';
import {
  createTenant,
  getTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
} from '../../service/tenants.ts';
import { initialLimitsOf, withLimitFlags, type LimitFlags } from '../limit-flags.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { saysLowerAncestors, sayQuota } from '../quota-words.ts';
import { note, print, type Run } from '../run.ts';
import {
  documentOf,
  forEach,
  selectedTenants,
  withSelector,
  type SelectionFlags,
} from '../selection.ts';
import { labelsOf, withFieldFlags, type FieldFlags } from '../tenant-flags.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { fieldListing, fieldsOf, listing, printChanged, treeListing } from '../tenant-words.ts';
import { addDelete } from './tenant-delete.ts';
import { addUpdate } from './tenant-update.ts';

export function register(cli: Cli, noun: Command): void {
  addCreate(cli, noun);
  addGet(cli, noun);
  addList(cli, noun);
  addUpdate(cli, noun);
  addStatusVerb(cli, noun, 'suspend');
  addStatusVerb(cli, noun, 'resume');
  addDelete(cli, noun);
}

function addCreate(cli: Cli, noun: Command): void {
  addVerb<FieldFlags & LimitFlags>(
    cli,
    noun,
    {
      usage: 'create <name>',
      summary: 'create a tenant, with the default quota or limits of its own',
      examples: [
        'tenant create acme --email ops@acme.example',
        'tenant create web --parent acme --email web@acme.example --cpu 2 --memory 4Gi --label cc=4711',
      ],
      changes: true,
      flags: (command) =>
        withLimitFlags(withFieldFlags(command), 'Limits (4, 1.5, 500m, 8Gi, unlimited):'),
    },
    async (run, [name], flags) => {
      if (flags.email === undefined) {
        throw invalid(
          'A tenant needs an address to write to.',
          `hodei tenant create ${String(name)} --email …`,
        );
      }
      run.allowCreation();
      const created = await run.call(createTenant, {
        name: String(name),
        email: flags.email,
        ...(typeof flags.parent === 'string' && { parent: flags.parent }),
        ...(flags.weight !== undefined && { weight: flags.weight }),
        labels: labelsOf(flags.label),
        quota: initialLimitsOf(flags),
      });
      await print(run, {
        document: created,
        rows: [created],
        listing,
        sentences: [await sayCreated(run, created)],
      });
    },
  );
}

async function sayCreated(run: Run, { id, name, parent }: TenantView): Promise<string> {
  const where = parent === null ? '' : ` under ${parent}`;
  if (run.isDryRun) return `Would create ${name}${where}. Nothing was changed.`;
  if (run.format !== 'table') return '';
  const quota = await run.call(getQuota, { tenant: id });
  for (const sentence of saysLowerAncestors(quota)) note(run, sentence);
  return `Created ${name} (${id})${where}: ${sayQuota(quota)}.`;
}

function addGet(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'get <tenant...>',
      summary: 'show tenants by name, id or the beginning of an id',
      examples: ['tenant get acme', 'tenant get acme beta --json'],
    },
    async (run, [names]) => {
      const wanted = names as string[];
      const tenants = await forEach(run, wanted, (tenant) => run.call(getTenant, { tenant }));
      const [first] = tenants;
      if (first === undefined) return;
      const isOne = wanted.length === 1;
      if (isOne && run.format === 'table') {
        await print(run, { document: first, rows: fieldsOf(first), listing: fieldListing });
        return;
      }
      await print(run, { document: documentOf(isOne, tenants), rows: tenants, listing });
    },
  );
}

interface ListFlags extends PageFlags, SelectionFlags {
  readonly parent?: string;
  readonly tree?: boolean;
  readonly status?: 'active' | 'suspended';
  readonly prefix?: string;
  readonly sort?: 'name' | 'created';
  readonly label?: string[];
}

function addList(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'list tenants',
      examples: [
        'tenant list --tree',
        'tenant list --parent eng --status suspended',
        'tenant list -l tier=bronze -o name | xargs hodei tenant suspend',
      ],
      flags: (command) =>
        withPageFlags(
          withSelector(command)
            .option('--parent <tenant>', 'only children of this tenant')
            .option('--tree', 'with everything below, in the order of the tree')
            .addOption(
              new Option('--status <status>', 'of this status').choices(['active', 'suspended']),
            )
            .option('--prefix <text>', 'names that begin with this')
            .addOption(
              new Option('--sort <order>', 'by name or by creation').choices(['name', 'created']),
            ),
          toWholeNumber,
        ),
    },
    async (run, _, flags) => {
      const { parent, tree, status, prefix, sort, selector } = flags;
      await printPages(
        run,
        flags,
        () => (tree === true ? treeListing : listing),
        (page) =>
          run.call(listTenants, {
            ...page,
            ...(parent !== undefined && { parent }),
            ...(tree === true && { tree }),
            ...(status !== undefined && { status }),
            ...(prefix !== undefined && { name_prefix: prefix }),
            ...(sort !== undefined && { sort }),
            ...(selector !== undefined && { label: selector }),
          }),
      );
    },
  );
}

function addStatusVerb(cli: Cli, noun: Command, verb: 'suspend' | 'resume'): void {
  const isSuspend = verb === 'suspend';
  addVerb<SelectionFlags>(
    cli,
    noun,
    {
      usage: `${verb} [tenant...]`,
      summary: isSuspend ? 'let nothing new start, for them and below them' : 'undo suspend',
      examples: [`tenant ${verb} acme`, `tenant ${verb} -l tier=trial`],
      changes: true,
      isVersioned: true,
      flags: withSelector,
    },
    async (run, [names], flags) => {
      const operation = isSuspend ? suspendTenant : resumeTenant;
      const tenants = await selectedTenants(run, names as string[], flags);
      const changed = await forEach(run, tenants, (tenant) => run.call(operation, { tenant }));
      const state = isSuspend ? 'suspended: nothing new starts' : 'active';
      await printChanged(run, tenants.length === 1, changed, ({ name }) =>
        run.isDryRun ? `${name} would be ${state}.` : `${name} is ${state}.`,
      );
    },
  );
}
