import type { Limit } from './quota.ts';
import {
  builtInResources,
  limitField,
  MAX_AMOUNT,
  resourceOfLimitField,
  spokenName,
  type Resource,
} from './resource.ts';
import { escapeUnprintable } from './text.ts';

/** What decides. It lives in the store under a revision number, the same for every process. */
export interface Settings {
  /** The catalogue: the built-in resources, then the configured ones in their order. */
  readonly resources: readonly Resource[];
  /** What a new tenant gets, by name of resource; one that is not here stays unset. */
  readonly defaultTenantQuota: Readonly<Record<string, Limit>>;
}

export const defaultSettings: Settings = {
  resources: builtInResources,
  defaultTenantQuota: { cpu_m: 4000, memory_mb: 8192, gpu: 0, jobs: 10 },
};

/** Settings as the config file, the API and the store write them; null is unlimited. */
export interface SettingsDocument {
  readonly resources: readonly ResourceDocument[];
  readonly multi_tenancy: {
    readonly default_tenant_quota: Readonly<Record<string, Limit>>;
  };
}

export interface ResourceDocument {
  readonly name: string;
  readonly unit: string;
  readonly default_limit: Limit;
}

/** The same as people may write it: units can be left out, and built-in resources too. */
export interface SettingsInput extends Omit<SettingsDocument, 'resources'> {
  readonly resources: readonly (Omit<ResourceDocument, 'unit'> & {
    readonly unit?: string | undefined;
  })[];
}

export function settingsDocument(settings: Settings): SettingsDocument {
  const quota = Object.entries(settings.defaultTenantQuota);
  return {
    resources: settings.resources.map(({ name, unit, defaultLimit }) => ({
      name,
      unit,
      default_limit: defaultLimit,
    })),
    multi_tenancy: {
      default_tenant_quota: Object.fromEntries(
        quota.map(([name, limit]) => [limitField(name), limit]),
      ),
    },
  };
}

/** The inverse of `settingsDocument`, for a document in which no problem was found. */
export function settingsFromDocument(document: SettingsInput): Settings {
  const listed = document.resources.map(
    ({ name, unit, default_limit: defaultLimit }): Resource => ({
      name,
      unit: unit ?? usualUnit(name),
      defaultLimit,
    }),
  );
  const builtIn = builtInResources.map(
    (resource) => listed.find(({ name }) => name === resource.name) ?? resource,
  );
  const resources = [...builtIn, ...listed.filter(({ name }) => builtInOf(name) === undefined)];
  const quota = document.multi_tenancy.default_tenant_quota;
  const defaultTenantQuota = Object.fromEntries(
    resources
      .map(({ name }) => [name, quota[limitField(name)]] as const)
      .filter((entry): entry is [string, Limit] => entry[1] !== undefined),
  );
  return { resources, defaultTenantQuota };
}

export const RESOURCE_NAME = /^[a-z][a-z0-9_]{0,30}$/;
export const RESOURCE_UNIT = /^[A-Za-z][A-Za-z0-9_/-]{0,30}$/;
const MAX_RESOURCES = 64;

/** A name of a resource is also a field of these, so that it may not be one of their own fields. */
const reservedNames = new Set([
  // The quota document, and what comes beside it in a command or an answer.
  ...[
    'tenant',
    'tenant_id',
    'tenant_name',
    'current_usage',
    'unset',
    'bound_by',
    'version',
    'units',
  ],

  ...['updated_at', 'warnings', 'changes', 'id', 'name', 'max_concurrent_jobs', 'active_jobs'],
  // The request of a job.
  ...['pool', 'job_id', 'priority', 'ttl_seconds', 'queue_ttl_seconds', 'labels', 'on_full'],
  // What people call cpu_m and memory_mb, and what every JavaScript object has already.
  ...['cpu', 'memory', 'constructor'],
]);

/** Something that is wrong in a settings document, and where. */
export interface SettingsProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Names that could stand there, where the last part of the path is one that cannot. */
  readonly known?: readonly string[];
}

/** All that is wrong in a document of the right shape. */
export function checkSettings(document: SettingsInput): readonly SettingsProblem[] {
  const names = document.resources.map(({ name }) => name);
  const catalogue = new Set([...builtInResources.map(({ name }) => name), ...names]);
  const problems = document.resources.flatMap((resource, index) =>
    checkResource(resource, names.indexOf(resource.name), index),
  );
  if (catalogue.size > MAX_RESOURCES) {
    const message = `at most ${MAX_RESOURCES} resources can be counted, not ${catalogue.size}`;
    problems.push({ path: ['resources'], message });
  }
  const quota = document.multi_tenancy.default_tenant_quota;
  return [
    ...problems,
    ...Object.entries(quota).flatMap(([field, limit]) => checkQuotaField(field, limit, catalogue)),
  ];
}

function checkResource(
  { name, unit, default_limit: limit }: SettingsInput['resources'][number],
  firstIndex: number,
  index: number,
): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const report = (field: string, message: string | undefined) => {
    if (message !== undefined) problems.push({ path: ['resources', index, field], message });
  };
  report(
    'name',
    firstIndex < index
      ? `${quoted(name)} is in the list already, as resources[${firstIndex}]`
      : nameProblem(name),
  );
  report('unit', unit === undefined ? undefined : unitProblem(name, unit));
  report('default_limit', limitProblem(limit));
  return problems;
}

function nameProblem(name: string): string | undefined {
  if (!RESOURCE_NAME.test(name)) {
    return `${quoted(name)} is no name of a resource: a-z, 0-9 and _, from a letter, at most 31`;
  }
  if (reservedNames.has(name)) return `${name} has a meaning already, take another name`;
  return undefined;
}

function unitProblem(name: string, unit: string): string | undefined {
  if (!RESOURCE_UNIT.test(unit)) {
    return `${quoted(unit)} is no unit: one word such as seats, from a letter, at most 31`;
  }
  const builtIn = builtInOf(name);
  if (builtIn === undefined || unit === builtIn.unit) return undefined;
  return `${name} is built in and always counted in ${builtIn.unit}, not in ${unit}`;
}

function checkQuotaField(
  field: string,
  limit: unknown,
  catalogue: ReadonlySet<string>,
): SettingsProblem[] {
  const path = ['multi_tenancy', 'default_tenant_quota', field];
  if (limitField(field) !== field) {
    return [{ path, message: `${field} are limited by ${limitField(field)}`, known: [] }];
  }
  if (catalogue.has(resourceOfLimitField(field))) {
    const message = limitProblem(limit);
    return message === undefined ? [] : [{ path, message }];
  }
  const spoken = [...catalogue].filter((name) => spokenName(name) === field);
  const known = (spoken.length > 0 ? spoken : [...catalogue]).map(limitField);
  return [{ path, message: `no resource has the name ${quoted(field)}`, known }];
}

function limitProblem(limit: unknown): string | undefined {
  if (limit === null || (Number.isSafeInteger(limit) && Number(limit) >= 0)) return undefined;
  return `a limit is a whole number from 0 to ${MAX_AMOUNT}, or unlimited`;
}

function builtInOf(name: string): Resource | undefined {
  return builtInResources.find((resource) => resource.name === name);
}

function usualUnit(name: string): string {
  return builtInOf(name)?.unit ?? 'count';
}

function quoted(text: string): string {
  return `"${escapeUnprintable(text.length > 40 ? `${text.slice(0, 40)}…` : text)}"`;
}

/** One key that differs. Undefined: there is no such key on that side; null: unlimited. */
export interface SettingsChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What has changed, key by key; nothing exactly when the settings are equal. */
export function diffSettings(before: Settings, after: Settings): SettingsChange[] {
  const [old, now] = [keysOf(before), keysOf(after)];
  const changes = [...new Set([...old.keys(), ...now.keys()])]
    .map((key) => ({ key, before: old.get(key), after: now.get(key) }))
    .filter((change) => change.before !== change.after);
  return [...orderChange(before, after), ...changes];
}

function keysOf(settings: Settings): Map<string, unknown> {
  const { resources, multi_tenancy: tenancy } = settingsDocument(settings);
  return new Map<string, unknown>([
    ...resources.flatMap(({ name, unit, default_limit: limit }): [string, unknown][] => [
      [`resources.${name}.unit`, unit],
      [`resources.${name}.default_limit`, limit],
    ]),
    ...Object.entries(tenancy.default_tenant_quota).map(([field, limit]): [string, unknown] => [
      `multi_tenancy.default_tenant_quota.${field}`,
      limit,
    ]),
  ]);
}

/** Resources are shown in the order of the catalogue, so that a new order is a change as well. */
function orderChange(before: Settings, after: Settings): SettingsChange[] {
  const [old, now] = [namesOf(before), namesOf(after)];
  const stayed = old.filter((name) => now.includes(name));
  const stays = now.filter((name) => old.includes(name));
  if (stayed.join() === stays.join()) return [];
  return [{ key: 'resources', before: old, after: now }];
}

function namesOf({ resources }: Settings): string[] {
  return resources.map(({ name }) => name);
}
