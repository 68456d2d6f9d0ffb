import { scopeText } from '../../domain/ceiling.ts';
import { Option, type Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { getQuota, listQuotas, quotaHistory, setQuota, unsetQuota } from '../../service/quotas.ts';
import { sayStarted } from '../effect-words.ts';
import { historyListing } from '../event-words.ts';
import { limitChangesOf, withLimitFlags, type LimitFlags } from '../limit-flags.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { isOver, quotaListing, quotasListing, rowsOf, sayLowerAncestor } from '../quota-words.ts';
import { note, print, type Run } from '../run.ts';
import {
  documentOf,
  forEach,
  selectedTenants,
  withSelector,
  type SelectionFlags,
} from '../selection.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { sayChange, sayField, sayLimit } from '../words.ts';
import { limitField, resourceOfWord } from '../../domain/resource.ts';
import type { QuotaChangeView } from '../../service/quota-view.ts';

export function register(cli: Cli, noun: Command): void {
  addGet(cli, noun);
  addSet(cli, noun);
  addUnset(cli, noun);
  addList(cli, noun);
  addHistory(cli, noun);
}

function addGet(cli: Cli, noun: Command): void {
  addVerb<PoolFlag>(
    cli,
    noun,
    {
      usage: 'get <tenant...>',
      summary: 'limits, what is used of them, and who above binds first',
      examples: [
        'quota get acme',
        'quota get acme --pool gpu',
        'quota get acme --json | jq .cpu_m',
      ],
      flags: withPoolFlag,
    },
    async (run, [names], flags) => {
      const wanted = names as string[];
      const quotas = await forEach(run, wanted, (tenant) =>
        run.call(getQuota, { tenant, ...poolOf(flags) }),
      );
      if (quotas.length === 0) return;
      const document = documentOf(wanted.length === 1, quotas);
      if (wanted.length === 1) {
        const listing = quotaListing(run.terminal.isOutTerminal, run.host.time.now());
        await print(run, { document, rows: quotas.flatMap(rowsOf), listing });
        return;
      }
      await print(run, { document, rows: quotas, listing: quotasListing(quotas) });
    },
  );
}

interface PoolFlag {
  readonly pool?: string;
}

function withPoolFlag(command: Command): Command {
  return command.option('--pool <pool>', 'the limits in this pool, beside those everywhere');
}

function poolOf({ pool }: PoolFlag): { pool?: string } {
  return pool === undefined ? {} : { pool };
}

function addSet(cli: Cli, noun: Command): void {
  addVerb<LimitFlags & SelectionFlags & PoolFlag>(
    cli,
    noun,
    {
      usage: 'set [tenant...]',
      summary: 'set limits; those that are not named stay as they are',
      examples: [
        'quota set acme --cpu 6 --memory 12Gi --gpu +2 --reason "release week"',
        'quota set acme --jobs unlimited --dry-run',
        'quota set acme --pool gpu --gpu 4',
        'quota set -l tier=bronze --cpu 8',
      ],
      changes: true,
      isVersioned: true,
      flags: (command) =>
        withLimitFlags(
          withPoolFlag(withSelector(command)),
          'Limits (4, 1.5, 500m, 8Gi, unlimited; +2 and -2 change what is):',
        ),
    },
    async (run, [names], flags) => {
      const limits = limitChangesOf(flags);
      if (Object.keys(limits).length === 0) {
        throw invalid('No limit was named.', 'Such as: hodei quota set acme --cpu 6 --memory 12Gi');
      }
      const tenants = await selectedTenants(run, names as string[], flags);
      const quotas = await forEach(run, tenants, (tenant) =>
        run.call(setQuota, { tenant, ...poolOf(flags), ...limits }),
      );
      await printChanged(run, tenants.length === 1, quotas);
    },
  );
}

function addUnset(cli: Cli, noun: Command): void {
  addVerb<PoolFlag>(
    cli,
    noun,
    {
      usage: 'unset <tenant> <resource...>',
      summary: "take limits away, so that the resource's default holds",
      examples: ['quota unset acme gpu', 'quota unset acme cpu memory'],
      changes: true,
      isVersioned: true,
      flags: withPoolFlag,
    },
    async (run, [tenant, resources], flags) => {
      const fields = (resources as string[]).map(fieldOf);
      const ifVersion = fields.length > 1 ? undefined : run.flags.ifVersion;
      if (fields.length > 1 && run.flags.ifVersion !== undefined) {
        throw invalid('--if-version goes with one resource at a time.');
      }
      const quotas: QuotaChangeView[] = [];
      for (const resource of fields) {
        quotas.push(
          await run.call(
            unsetQuota,
            { tenant: String(tenant), ...poolOf(flags), resource },
            { ifVersion },
          ),
        );
      }
      await printChanged(run, fields.length === 1, quotas, ', the default');
    },
  );
}

/** What people call a resource, as the field of the quota document. */
function fieldOf(word: string): string {
  return limitField(resourceOfWord(word));
}

async function printChanged(
  run: Run,
  isOne: boolean,
  quotas: readonly QuotaChangeView[],
  suffix = '',
): Promise<void> {
  if (quotas.length === 0) return;
  const sentences = quotas.flatMap((quota) => [
    sayChanges(run, quota, suffix),
    ...sayOver(quota),
    ...sayStarted(quota.effects.started, run.isDryRun),
  ]);
  await print(run, {
    document: documentOf(isOne, quotas),
    rows: quotas,
    listing: quotasListing(quotas),
    sentences,
  });
  if (run.format !== 'table') return;
  for (const quota of quotas) {
    for (const warning of quota.warnings) {
      const field = limitField(warning.resource);
      const row = rowsOf(quota).find((candidate) => candidate.field === field);
      if (row !== undefined) note(run, sayLowerAncestor(quota.tenant_name, warning, row));
    }
  }
}

function sayChanges(run: Run, quota: QuotaChangeView, suffix: string): string {
  const name = nameOf(quota);
  if (quota.changes.length === 0) return `${name}: nothing to change, it is so already.`;
  const changes = quota.changes.map(({ resource, before, after }) => {
    const field = limitField(resource);
    return sayChange(field, quota.units[field] ?? 'count', before, after);
  });
  const sentence = `${name}: ${changes.join(', ')}${suffix}.`;
  return run.isDryRun ? `Would set ${sentence} Nothing was changed.` : sentence;
}

function nameOf({ tenant_name: tenant, pool }: QuotaChangeView): string {
  return scopeText({ tenant, pool });
}

/** Who lowers a limit below what is used should know what follows. */
function sayOver(quota: QuotaChangeView): string[] {
  const changed = new Set(quota.changes.map(({ resource }) => limitField(resource)));
  return rowsOf(quota)
    .filter((row) => changed.has(row.field) && isOver(row))
    .map((row) => {
      const over = sayLimit(row.used - (row.inForce ?? 0), row.field, row.unit);
      const what = `${sayField(row.field)} over by ${over}`;
      return `${nameOf(quota)}: ${what}; what runs keeps running, nothing new starts until that is released.`;
    });
}

interface ListFlags extends PageFlags, SelectionFlags {
  readonly over?: number;
  readonly sort?: 'name' | 'created' | 'used';
  readonly parent?: string;
  readonly tree?: boolean;
}

function addList(cli: Cli, noun: Command): void {
  addVerb<ListFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'quotas of many tenants: used of limit',
      examples: ['quota list --over 80%', 'quota list --sort used', 'quota list -l tier=bronze'],
      flags: (command) =>
        withPageFlags(
          withSelector(command)
            .option(
              '--over <percent>',
              'only those who use more than this of some limit',
              toPercent,
            )
            .addOption(
              new Option('--sort <order>', 'by name, by creation, or the fullest first').choices([
                'name',
                'created',
                'used',
              ]),
            )
            .option('--parent <tenant>', 'only children of this tenant')
            .option('--tree', 'with everything below, in the order of the tree'),
          toWholeNumber,
        ),
    },
    async (run, _, flags) => {
      const { over, sort, parent, tree, selector } = flags;
      await printPages(run, flags, quotasListing, (page) =>
        run.call(listQuotas, {
          ...page,
          ...(over !== undefined && { over }),
          ...(sort !== undefined && { sort }),
          ...(parent !== undefined && { parent }),
          ...(tree === true && { tree }),
          ...(selector !== undefined && { label: selector }),
        }),
      );
    },
  );
}

function toPercent(text: string): number {
  const match = /^(\d{1,4})\s?%?$/.exec(text);
  if (match !== null) return Number(match[1]);
  throw invalid(`A per cent is expected, such as 80%: "${text}"`);
}

function addHistory(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'history <tenant>',
      summary: 'who changed the limits, when and why',
      examples: ['quota history acme'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, [tenant], flags) => {
      await printPages(
        run,
        flags,
        () => historyListing,
        (page) => run.call(quotaHistory, { tenant: String(tenant), ...page }),
      );
    },
  );
}
