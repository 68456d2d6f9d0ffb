import type { Command } from 'commander';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { parseAmount, parseBaseLimitChange, type NamedUnit } from '../domain/quantity.ts';
import { resourceOfLimitField, spokenName } from '../domain/resource.ts';
import { escapeUnprintable } from '../domain/text.ts';
import type { JobInput } from '../service/job-request.ts';
import { REQUEST_FIELDS } from '../service/schemas/job.ts';
import { limitsOf, type LimitFlags } from './limit-flags.ts';
import { labelsOf } from './tenant-flags.ts';
import { collect } from './verb.ts';

export type AmountFlags = Omit<LimitFlags, 'maxConcurrentJobs'>;

/** Flags of what a job asks for: in units that people type, and in base units. */
export function withAmountFlags(command: Command): Command {
  return command
    .optionsGroup('What it needs:')
    .option('--cpu <cores>', 'cores: 4, 1.5, 500m')
    .option('--memory <size>', 'with its unit: 8Gi, 512Mi')
    .option('--gpu <n>', 'GPUs')
    .option('--jobs <n>', 'as how many jobs it counts; 1 where nothing is said')
    .option('--cpu-m <n>', 'millicores, in place of --cpu')
    .option('--memory-mb <n>', 'MiB, in place of --memory')
    .option('--set <name=n>', 'any resource of the catalogue, in its base unit', collect);
}

/** The amounts that the flags name, by resource, in base units. */
export function amountsOf(flags: AmountFlags): Record<string, number> {
  const byField = limitsOf(flags, { what: 'amount', quantity: readQuantity, base: readBase });
  return Object.fromEntries(
    Object.entries(byField).map(([field, amount]) => [resourceOfLimitField(field), amount]),
  );
}

const SIGNED_OR_UNLIMITED = /^[+-]|^unlimited$/;

function readQuantity(text: string, resource: NamedUnit): number {
  if (SIGNED_OR_UNLIMITED.test(text)) throw noAmount(text);
  return parseAmount(text, resource);
}

function readBase(text: string, resource: NamedUnit): number {
  if ((REQUEST_FIELDS as readonly string[]).includes(resource.name)) {
    throw invalid(`${resource.name} is no resource: it has a flag of its own.`);
  }
  if (SIGNED_OR_UNLIMITED.test(text)) throw noAmount(text);
  if (!/^\d+$/.test(text)) throw noWholeNumber(text, resource);
  const change = parseBaseLimitChange(text, resource);
  if (change.kind !== 'set' || change.limit === null) throw noAmount(text);
  return change.limit;
}

function noWholeNumber(text: string, { name, unit }: NamedUnit): HodeiError {
  const of = unit === 'count' ? '' : ` of ${unit}`;
  const spoken = spokenName(name);
  return invalid(
    `"${short(text)}" is no whole number${of}.`,
    spoken === name ? undefined : `A quantity has a flag of its own: --${spoken}`,
  );
}

function noAmount(text: string): HodeiError {
  return invalid(
    `A job asks for an amount, and "${short(text)}" is none.`,
    'Such as --cpu 4, or --set license=3',
  );
}

function short(text: string): string {
  return escapeUnprintable(text.slice(0, 40));
}

export interface RequestFlags extends AmountFlags {
  readonly tenant?: string;
  readonly pool?: string;
  readonly id?: string;
  readonly priority?: number;
  readonly ttl?: number;
  readonly label?: readonly string[];
}

/** Flags of a request, without those that say when it ends. */
export function withRequestFlags(command: Command): Command {
  const whose = command
    .option('--tenant <tenant>', 'whose job it is')
    .option('--pool <pool>', 'where it shall run; the only pool, or `default`');
  return withAmountFlags(whose)
    .optionsGroup('The job:')
    .option('--priority <n>', 'among the jobs of its tenant: higher is sooner', toPriority)
    .option('--label <key=value>', 'a label; may be given several times', collect);
}

/** A request as it is sent: what is left out is as hodei has it. */
export type SentRequest = Partial<JobInput> & Pick<JobInput, 'tenant'>;

/** @throws invalid when it is not said whose job it is. */
export function requestOf(flags: RequestFlags): SentRequest {
  const { tenant, pool, id, priority, ttl, label } = flags;
  if (tenant === undefined) throw invalid('Whose job is it?', 'Name the tenant: --tenant acme');
  return {
    ...amountsOf(flags),
    tenant,
    ...(pool !== undefined && { pool }),
    ...(id !== undefined && { job_id: id }),
    ...(priority !== undefined && { priority }),
    ...(ttl !== undefined && { ttl_seconds: ttl }),
    ...(label !== undefined && { labels: labelsOf(label) }),
  };
}

function toPriority(text: string): number {
  if (/^-?\d{1,7}$/.test(text)) return Number(text);
  throw invalid(`A priority is a whole number such as 10 or -5: "${short(text)}"`);
}
