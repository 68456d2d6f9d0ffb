import { Option, type Command } from 'commander';
import { invalid } from '../domain/errors.ts';
import { parseAmount, parseBaseLimitChange, type NamedUnit } from '../domain/quantity.ts';
import type { Limit } from '../domain/quota.ts';
import { limitsOf, type LimitFlags } from './limit-flags.ts';
import { collect, toWholeNumber } from './verb.ts';

/** The fields of a pool, as `create` and `update` take them. */
export interface PoolFlags extends Omit<LimitFlags, 'jobs'> {
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly size?: number;
  readonly type?: 'static' | 'dynamic';
  readonly provider?: string | false;
  readonly name?: string;
  readonly maxJobsPerTenant?: string;
}

export function withPoolFlags(command: Command): Command {
  return command
    .optionsGroup(
      'What each worker has (4, 1.5, 500m, 8Gi; unlimited: the pool does not count it):',
    )
    .option('--cpu <cores>', 'cores: 4, 1.5, 500m')
    .option('--memory <size>', 'with its unit: 8Gi, 512Mi')
    .option('--gpu <n>', 'GPUs')
    .option('--cpu-m <n>', 'millicores, in place of --cpu')
    .option('--memory-mb <n>', 'MiB, in place of --memory')
    .option('--set <name=n>', 'any resource of the catalogue, in its base unit', collect)
    .optionsGroup('The pool:')
    .option('--max-size <n>', 'workers; of a dynamic pool the most', toWholeNumber)
    .option('--min-size <n>', 'of a dynamic pool the fewest workers', toWholeNumber)
    .option('--size <n>', 'of a dynamic pool the workers there are now', toWholeNumber)
    .addOption(
      new Option('--type <type>', 'whether the number of workers changes').choices([
        'static',
        'dynamic',
      ]),
    )
    .option('--max-concurrent-jobs <n>', 'jobs in it at one time, or unlimited')
    .option('--max-jobs-per-tenant <n>', 'the same for each tenant, or unlimited')
    .option('--provider <text>', 'where the workers come from: a label')
    .option('--name <text>', 'a title for people');
}

/** What the flags say of a pool, in the words of its document. */
export interface SaidPool {
  readonly fields: {
    readonly name?: string;
    readonly type?: 'static' | 'dynamic';
    readonly min_size?: number;
    readonly max_size?: number;
    readonly size?: number;
    readonly provider?: string | null;
    readonly quotas?: { max_concurrent_jobs?: Limit; max_jobs_per_tenant?: Limit };
  };
  /** By name of resource; null: the pool does not limit it. */
  readonly resources: Readonly<Record<string, Limit>>;
}

export function poolOf(flags: PoolFlags): SaidPool {
  const { name, type, minSize, maxSize, size, provider } = flags;
  const reading = { what: 'amount' as const, quantity: readQuantity, base: readBase };
  const { max_concurrent_jobs: maxJobs, ...resources } = limitsOf(flags, reading);
  const perTenant =
    flags.maxJobsPerTenant === undefined ? undefined : readBase(flags.maxJobsPerTenant, JOBS);
  const quotas = {
    ...(maxJobs !== undefined && { max_concurrent_jobs: maxJobs }),
    ...(perTenant !== undefined && { max_jobs_per_tenant: perTenant }),
  };
  return {
    fields: {
      ...(name !== undefined && { name }),
      ...(type !== undefined && { type }),
      ...(minSize !== undefined && { min_size: minSize }),
      ...(maxSize !== undefined && { max_size: maxSize }),
      ...(size !== undefined && { size }),
      ...(provider !== undefined && { provider: provider === false ? null : provider }),
      ...(Object.keys(quotas).length > 0 && { quotas }),
    },
    resources,
  };
}

const JOBS = { name: 'jobs', unit: 'count' };

function readQuantity(text: string, resource: NamedUnit): Limit {
  requireUnsigned(text);
  return text === 'unlimited' ? null : parseAmount(text, resource);
}

function readBase(text: string, resource: NamedUnit): Limit {
  requireUnsigned(text);
  const change = parseBaseLimitChange(text, resource);
  return change.kind === 'set' ? change.limit : change.delta;
}

/** Of a quota `+4` means four more; here nobody should find out that it was taken for four. */
function requireUnsigned(text: string): void {
  if (!/^[+-]/.test(text)) return;
  throw invalid(
    `A pool is said as it shall be, and ${text.slice(0, 40)} would change what it is.`,
    'Say the amount itself.',
  );
}

/** As a document has it: what the pool does not limit is not there. */
export function limited(resources: SaidPool['resources']): Record<string, number> {
  const entries = Object.entries(resources);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => entry[1] !== null),
  );
}

/** The pools that a command is about, each once. */
export function named(ids: string | string[] | undefined): string[] {
  return [...new Set([ids ?? []].flat())];
}
