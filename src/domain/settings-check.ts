import { burstCapacityProblems } from './burst-capacity.ts';
import { costTrackingProblems } from './cost-tracking.ts';
import { reasonedNames } from './event-names.ts';
import { kindOf, MAX_TTL_SECONDS } from './job.ts';
import {
  DEFAULT_POOL_SIZE,
  isCountable,
  MAX_POOL_SIZE,
  nearestPoolName,
  poolNameProblem,
} from './pool.ts';
import {
  builtInOf,
  builtInResources,
  limitField,
  MAX_AMOUNT,
  resourceOfLimitField,
  spokenName,
} from './resource.ts';
import { quotaNoticesProblems } from './quota-notice.ts';
import { schedulingProblems } from './scheduling.ts';
import { unitOf, type PoolInput, type ResourceInput, type SettingsInput } from './settings.ts';
import { escapeUnprintable, isPrintable } from './text.ts';

/** A name, or one of a kind of it: `license`, `gpu.h100`. */
export const RESOURCE_NAME = /^[a-z][a-z0-9_]{0,30}(\.[a-z][a-z0-9_]{0,30})?$/;
export const RESOURCE_NAME_RULE =
  'a-z, 0-9 and _, from a letter, at most 31, or a name and its kind such as gpu.h100';
export const RESOURCE_UNIT = /^[A-Za-z][A-Za-z0-9_/-]{0,30}$/;
const MAX_RESOURCES = 64;
const MAX_POOL_TEXT = 100;
/** A day. */
export const MAX_CLAIM_SECONDS = 86_400;

/** A name of a resource is also a field of these, so that it may not be one of their own fields. */
const reservedNames = new Set([
  // The quota document, and what comes beside it in a command or an answer.
  ...['tenant', 'tenant_id', 'tenant_name', 'current_usage', 'unset', 'bound_by', 'version'],
  ...['units', 'updated_at', 'warnings', 'changes', 'id', 'name', 'max_concurrent_jobs'],
  ...['active_jobs', 'effects'],
  // The request of a job, and the answer.
  ...['pool', 'pools', 'job', 'job_id', 'priority', 'ttl_seconds', 'queue_ttl_seconds', 'labels'],
  ...[
    'on_full',
    'started_at',
    'wait',
    'state',
    'resources',
    'decision_id',
    'retryable',
    'violations',
    'code',
  ],
  ...['error', 'hint', 'trace_id', 'replayed', 'reason'],
  // A pool.
  ...['type', 'provider', 'min_size', 'max_size', 'size', 'quotas', 'status', 'capacity', 'used'],
  ...['promised'],
  // What burst sessions add to quotas, jobs and their own requests.
  ...['bursts', 'effective', 'burst', 'percentage', 'add', 'on_end'],
  // What people call cpu_m and memory_mb, and what every JavaScript object has already.
  ...['cpu', 'memory', 'constructor'],
]);

type Path = readonly (string | number)[];

/** Something that is wrong in a settings document, and where. */
export interface SettingsProblem {
  readonly path: Path;
  readonly message: string;
  /** Names that could stand there, in place of one that cannot: of `said`, or the last of the path. */
  readonly known?: readonly string[];
  readonly said?: string;
  /** What it was compared with: while that is wrong itself, this may be none. */
  readonly against?: Path;
}

/** All that is wrong in a document of the right shape. */
export function checkSettings(document: SettingsInput): readonly SettingsProblem[] {
  const { resources, resource_pools: section, multi_tenancy, jobs = {}, scheduling } = document;
  const reasons = document.security?.require_reason ?? [];
  const catalogue = [...new Set([...builtInResources, ...resources].map(({ name }) => name))];
  const quota = Object.entries(multi_tenancy.default_tenant_quota);
  return [
    ...resources.flatMap((resource, index) => checkResource(resource, index, resources)),
    ...checkCount(catalogue),
    ...(section?.pools ?? []).flatMap((pool, index, pools) =>
      checkPool(pool, index, pools, catalogue),
    ),
    ...quota.flatMap(([field, limit]) => checkQuotaField(field, limit, catalogue)),
    ...under(
      ['multi_tenancy', 'quota_enforcement', 'notices'],
      quotaNoticesProblems(multi_tenancy.quota_enforcement?.notices ?? {}),
    ),
    ...checkJobs(jobs),
    ...under(['scheduling'], schedulingProblems(scheduling ?? {})),
    ...under(['burst_capacity'], burstCapacityProblems(document.burst_capacity ?? {})),
    ...under(['cost_tracking'], costTrackingProblems(document.cost_tracking ?? {})),
    ...reasons.flatMap(checkReasonedName),
  ];
}

/** Problems of a section, where they are in the document. */
function under(section: Path, problems: readonly SettingsProblem[]): SettingsProblem[] {
  return problems.map(({ path, message }) => ({ path: [...section, ...path], message }));
}

function checkReasonedName(name: string, index: number): SettingsProblem[] {
  if (reasonedNames.some((known) => known === name)) return [];
  const message = `${quoted(name)} is no change for which somebody could give a reason`;
  const path = ['security', 'require_reason', index];
  return [{ path, message, known: reasonedNames, said: name }];
}

function checkCount({ length }: readonly string[]): SettingsProblem[] {
  if (length <= MAX_RESOURCES) return [];
  const message = `at most ${MAX_RESOURCES} resources can be counted, not ${length}`;
  return [{ path: ['resources'], message }];
}

function checkResource(
  resource: ResourceInput,
  index: number,
  listed: readonly ResourceInput[],
): SettingsProblem[] {
  const { name, unit, default_limit: limit } = resource;
  const path = ['resources', index];
  const first = listed.findIndex((other) => other.name === name);
  const wrongName =
    first < index ? twice(name, `resources[${first}]`) : resourceNameProblem(name, listed);
  return [
    ...problem([...path, 'name'], wrongName),
    ...problem([...path, 'unit'], unit === undefined ? undefined : unitProblem(name, unit)),
    ...checkUnitOfKind(resource, [...path, 'unit'], listed),
    ...problem([...path, 'default_limit'], limitProblem(limit)),
  ];
}

function problem(path: Path, message: string | undefined): SettingsProblem[] {
  return message === undefined ? [] : [{ path, message }];
}

function twice(name: string, where: string): string {
  return `${quoted(name)} is in the list already, as ${where}`;
}

function resourceNameProblem(name: string, listed: readonly ResourceInput[]): string | undefined {
  if (!RESOURCE_NAME.test(name)) {
    return `${quoted(name)} is no name of a resource: ${RESOURCE_NAME_RULE}`;
  }
  if (reservedNames.has(name)) return `${name} has a meaning already, take another name`;
  const parent = kindOf(name);
  if (parent === undefined || builtInOf(parent) !== undefined) return undefined;
  if (listed.some((resource) => resource.name === parent)) return undefined;
  return `no resource has the name "${parent}", of which ${name} would be a kind`;
}

function unitProblem(name: string, unit: string): string | undefined {
  if (!RESOURCE_UNIT.test(unit)) {
    return `${quoted(unit)} is no unit: one word such as seats, from a letter, at most 31`;
  }
  const builtIn = builtInOf(name);
  if (builtIn === undefined || unit === builtIn.unit) return undefined;
  return `${name} is built in and always counted in ${builtIn.unit}, not in ${unit}`;
}

/** What is charged for a kind is charged for what it is a kind of, so that they have one unit. */
function checkUnitOfKind(
  { name, unit }: ResourceInput,
  path: Path,
  listed: readonly ResourceInput[],
): SettingsProblem[] {
  const parent = kindOf(name);
  if (parent === undefined || unit === undefined || !RESOURCE_UNIT.test(unit)) return [];
  const index = listed.findIndex((resource) => resource.name === parent);
  const wanted = unitOf(parent, listed);
  if (unit === wanted || (index === -1 && builtInOf(parent) === undefined)) return [];
  const message = `${quoted(name)} is a kind of ${parent} and counted in ${wanted} too, not in ${unit}`;
  return [{ path, message, against: ['resources', index, 'unit'] }];
}

function checkQuotaField(
  field: string,
  limit: unknown,
  catalogue: readonly string[],
): SettingsProblem[] {
  const path: Path = ['multi_tenancy', 'default_tenant_quota', field];
  if (limitField(field) !== field) {
    return [{ path, message: `${field} are limited by ${limitField(field)}`, known: [] }];
  }
  if (catalogue.includes(resourceOfLimitField(field))) return problem(path, limitProblem(limit));
  return [unknownResource(path, catalogue)];
}

function unknownResource(path: Path, catalogue: readonly string[]): SettingsProblem {
  const field = String(path.at(-1));
  const spoken = catalogue.filter((name) => spokenName(name) === field);
  const known = (spoken.length > 0 ? spoken : catalogue).map(limitField);
  return { path, message: `no resource has the name ${quoted(field)}`, known };
}

function checkPool(
  pool: PoolInput,
  index: number,
  pools: readonly PoolInput[],
  catalogue: readonly string[],
): SettingsProblem[] {
  const { id, name, provider, quotas = {} } = pool;
  const path = ['resource_pools', 'pools', index];
  const first = pools.findIndex((other) => other.id === id);
  const wrongId = first < index ? twice(id, `resource_pools.pools[${first}]`) : poolIdProblem(id);
  return [
    ...problem([...path, 'id'], wrongId),
    ...problem([...path, 'name'], textProblem('a name', name)),
    ...checkSizes(pool, path),
    ...problem([...path, 'provider'], textProblem('a provider', provider)),
    ...checkWorker(pool, [...path, 'resources'], catalogue),
    ...Object.entries(quotas).flatMap(([field, limit]) =>
      problem([...path, 'quotas', field], limit === undefined ? undefined : limitProblem(limit)),
    ),
  ];
}

function poolIdProblem(id: string): string | undefined {
  const wrong = poolNameProblem(id);
  if (wrong === undefined) return undefined;
  const near = nearestPoolName(id);
  return escapeUnprintable(near === undefined ? wrong : `${wrong}; did you mean ${near}?`);
}

function textProblem(what: string, text: string | null | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  const isGood = isPrintable(text) && text.trim() !== '' && text.length <= MAX_POOL_TEXT;
  return isGood ? undefined : `${what} has 1 to ${MAX_POOL_TEXT} printable characters`;
}

function checkSizes(pool: PoolInput, path: Path): SettingsProblem[] {
  const { min_size: min = DEFAULT_POOL_SIZE, max_size: max = DEFAULT_POOL_SIZE } = pool;
  const wrong = Object.entries({ min_size: min, max_size: max })
    .filter(([, size]) => !isWhole(size, 0, MAX_POOL_SIZE))
    .map(([field]) => ({
      path: [...path, field],
      message: `a size is a whole number from 0 to ${MAX_POOL_SIZE}`,
    }));
  if (wrong.length > 0 || min <= max) return wrong;
  const message = `${min} is above max_size, which is ${max}`;
  return [{ path: [...path, 'min_size'], message, against: [...path, 'max_size'] }];
}

/** What a worker has, and whether all workers together have no more than can be counted. */
function checkWorker(
  { resources = {}, max_size: size = DEFAULT_POOL_SIZE }: PoolInput,
  path: Path,
  catalogue: readonly string[],
): SettingsProblem[] {
  const limitable = catalogue.filter((name) => name !== 'jobs');
  return Object.entries(resources).flatMap(([name, amount]) => {
    const here = [...path, name];
    if (resourceOfLimitField(name) === 'jobs') {
      const message = 'jobs are limited by quotas.max_concurrent_jobs';
      return [{ path: here, message, known: [] }];
    }
    if (!limitable.includes(name)) return [unknownResource(here, limitable)];
    return problem(here, amountProblem(amount, size));
  });
}

function amountProblem(amount: unknown, workers: number): string | undefined {
  if (!isWhole(amount, 0, MAX_AMOUNT)) return `an amount is a whole number from 0 to ${MAX_AMOUNT}`;
  const isTooMuch = isWhole(workers, 0, MAX_POOL_SIZE) && !isCountable(amount, workers);
  return isTooMuch ? `${amount} in each of ${workers} workers is above ${MAX_AMOUNT}` : undefined;
}

function checkJobs(jobs: NonNullable<SettingsInput['jobs']>): SettingsProblem[] {
  const { default_ttl_seconds: ttl, claim_seconds: claim, queue_ttl_seconds: queueTtl } = jobs;
  const timeProblem = (seconds: number | undefined, most: number, orElse = '') => {
    if (seconds === undefined || isWhole(seconds, 1, most)) return undefined;
    return `a time is a whole number of seconds from 1 to ${most}${orElse}`;
  };
  return [
    ...problem(
      ['jobs', 'default_ttl_seconds'],
      timeProblem(ttl ?? undefined, MAX_TTL_SECONDS, ', or none'),
    ),
    ...problem(['jobs', 'claim_seconds'], timeProblem(claim, MAX_CLAIM_SECONDS)),
    ...problem(['jobs', 'queue_ttl_seconds'], timeProblem(queueTtl, MAX_TTL_SECONDS)),
  ];
}

function limitProblem(limit: unknown): string | undefined {
  if (limit === null || isWhole(limit, 0, MAX_AMOUNT)) return undefined;
  return `a limit is a whole number from 0 to ${MAX_AMOUNT}, or unlimited`;
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

function quoted(text: string): string {
  return `"${escapeUnprintable(text.length > 40 ? `${text.slice(0, 40)}…` : text)}"`;
}
