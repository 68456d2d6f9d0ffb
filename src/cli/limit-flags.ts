import type { Command } from 'commander';
import { invalid } from '../domain/errors.ts';
import { parseBaseLimitChange, parseLimitChange, type LimitChange } from '../domain/quantity.ts';
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
export function withLimitFlags(command: Command): Command {
  return command
    .optionsGroup('Limits (4, 1.5, 500m, 8Gi, unlimited; +2 and -2 change what is):')
    .option('--cpu <cores>', 'cores: 4, 1.5, 500m')
    .option('--memory <size>', 'with its unit: 8Gi, 512Mi')
    .option('--gpu <n>', 'GPUs')
    .option('--jobs <n>', 'jobs at one time')
    .option('--cpu-m <n>', 'millicores, in place of --cpu')
    .option('--memory-mb <n>', 'MiB, in place of --memory')
    .option('--max-concurrent-jobs <n>', 'the same as --jobs')
    .option('--set <name=n>', 'any resource of the catalogue, in its base unit', collect);
}

/** The limits that the flags ask for, by field of the quota document. */
export function limitsOf(flags: LimitFlags): Record<string, SentLimit> {
  const limits = new Map<string, SentLimit>();
  const put = (resourceName: string, change: LimitChange, flag: string) => {
    const field = limitField(resourceName);
    if (limits.has(field)) throw invalid(`${flag} sets a limit that another flag sets already.`);
    limits.set(field, toSent(change));
  };
  const quantity = (name: string, text: string | undefined, flag: string) => {
    if (text !== undefined) put(name, parseLimitChange(text, builtIn(name)), flag);
  };
  const base = (name: string, text: string | undefined, flag: string) => {
    if (text !== undefined) put(name, parseBaseLimitChange(text, builtIn(name)), flag);
  };
  quantity('cpu_m', flags.cpu, '--cpu');
  quantity('memory_mb', flags.memory, '--memory');
  quantity('gpu', flags.gpu, '--gpu');
  quantity('jobs', flags.jobs, '--jobs');
  base('cpu_m', flags.cpuM, '--cpu-m');
  base('memory_mb', flags.memoryMb, '--memory-mb');
  base('jobs', flags.maxConcurrentJobs, '--max-concurrent-jobs');
  for (const text of flags.set ?? []) {
    const [name, value] = splitSet(text);
    put(name, parseBaseLimitChange(value, builtIn(name)), `--set ${name}`);
  }
  return Object.fromEntries(limits);
}

function splitSet(text: string): readonly [string, string] {
  const cut = text.indexOf('=');
  if (cut < 1) throw invalid(`--set takes a resource and a limit, such as license=3: "${text}"`);
  const name = text.slice(0, cut);
  return [name === 'max_concurrent_jobs' ? 'jobs' : name, text.slice(cut + 1)];
}

/** A resource that the catalogue adds is typed in base units only, so its unit does not matter. */
function builtIn(name: string): { readonly name: string; readonly unit: string } {
  return builtInResources.find((resource) => resource.name === name) ?? { name, unit: 'count' };
}

function toSent(change: LimitChange): SentLimit {
  if (change.kind === 'set') return change.limit;
  return change.delta < 0 ? String(change.delta) : `+${change.delta}`;
}
