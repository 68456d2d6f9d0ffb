import type { Command } from 'commander';
import { invalid } from '../domain/errors.ts';
import {
  parseAmount,
  parseBaseLimitChange,
  parseLimitChange,
  type LimitChange,
  type NamedUnit,
} from '../domain/quantity.ts';
import { builtInResources, limitField } from '../domain/resource.ts';
import type { SentLimit } from '../service/quota-changes.ts';
import { collect } from './verb.ts';

export interface LimitFlags {
  readonly cpu?: string;
  readonly memory?: string;
  readonly gpu?: string;
  readonly jobs?: string;
  readonly cpuM?: string;
  readonly memoryMb?: string;
  readonly maxConcurrentJobs?: string;
  readonly set?: readonly string[];
}

/** Flags of limits: in units that people type, and in base units. */
export function withLimitFlags(command: Command, heading: string): Command {
  return command
    .optionsGroup(heading)
    .option('--cpu <cores>', 'cores: 4, 1.5, 500m')
    .option('--memory <size>', 'with its unit: 8Gi, 512Mi')
    .option('--gpu <n>', 'GPUs')
    .option('--jobs <n>', 'jobs at one time')
    .option('--cpu-m <n>', 'millicores, in place of --cpu')
    .option('--memory-mb <n>', 'MiB, in place of --memory')
    .option('--max-concurrent-jobs <n>', 'the same as --jobs')
    .option('--set <name=n>', 'any resource of the catalogue, in its base unit', collect);
}

/** How the text of a flag becomes a limit, or an amount. */
export interface Reading<Limit> {
  /** What it becomes, as a refusal names it. */
  readonly what: 'limit' | 'amount';
  /** In units that people type. */
  quantity(text: string, resource: NamedUnit): Limit;
  /** In base units. */
  base(text: string, resource: NamedUnit): Limit;
}

/** The limits that a new tenant is given, by field of the quota document. */
export function initialLimitsOf(flags: LimitFlags): Record<string, number | null> {
  return limitsOf(flags, {
    what: 'limit',
    quantity: (text, resource) => (text === 'unlimited' ? null : parseAmount(text, resource)),
    base: (text, resource) => {
      const change = parseBaseLimitChange(text, resource);
      if (change.kind === 'set') return change.limit;
      throw invalid(
        `A new tenant has no limit yet that ${text} could change.`,
        'Say the limit itself.',
      );
    },
  });
}

/** The changes of limits that the flags ask for, by field of the quota document. */
export function limitChangesOf(flags: LimitFlags): Record<string, SentLimit> {
  return limitsOf(flags, {
    what: 'limit',
    quantity: (text, resource) => toSent(parseLimitChange(text, resource)),
    base: (text, resource) => toSent(parseBaseLimitChange(text, resource)),
  });
}

/** What the flags say, by field of the quota document. */
export function limitsOf<Limit>(flags: LimitFlags, read: Reading<Limit>): Record<string, Limit> {
  const limits = new Map<string, Limit>();
  const put = (
    name: string,
    text: string | undefined,
    flag: string,
    toLimit: Reading<Limit>['base'],
  ) => {
    if (text === undefined) return;
    const field = limitField(name);
    if (limits.has(field)) {
      throw invalid(`${flag} sets ${article(read.what)} that another flag sets already.`);
    }
    limits.set(field, toLimit(text, builtIn(name)));
  };
  put('cpu_m', flags.cpu, '--cpu', read.quantity);
  put('memory_mb', flags.memory, '--memory', read.quantity);
  put('gpu', flags.gpu, '--gpu', read.quantity);
  put('jobs', flags.jobs, '--jobs', read.quantity);
  put('cpu_m', flags.cpuM, '--cpu-m', read.base);
  put('memory_mb', flags.memoryMb, '--memory-mb', read.base);
  put('jobs', flags.maxConcurrentJobs, '--max-concurrent-jobs', read.base);
  for (const text of flags.set ?? []) {
    const [name, value] = splitSet(text, read.what);
    put(name, value, `--set ${name}`, read.base);
  }
  return Object.fromEntries(limits);
}

function article(what: Reading<unknown>['what']): string {
  return what === 'limit' ? 'a limit' : 'an amount';
}

function splitSet(text: string, what: Reading<unknown>['what']): readonly [string, string] {
  const cut = text.indexOf('=');
  if (cut < 1) {
    throw invalid(`--set takes a resource and ${article(what)}, such as license=3: "${text}"`);
  }
  const name = text.slice(0, cut);
  return [name === 'max_concurrent_jobs' ? 'jobs' : name, text.slice(cut + 1)];
}

/** A resource that the catalogue adds is typed in base units only, so its unit does not matter. */
function builtIn(name: string): NamedUnit {
  return builtInResources.find((resource) => resource.name === name) ?? { name, unit: 'count' };
}

function toSent(change: LimitChange): SentLimit {
  if (change.kind === 'set') return change.limit;
  return change.delta < 0 ? String(change.delta) : `+${change.delta}`;
}
