import { settingsDocument, type Settings } from './settings.ts';

/** One key that differs. Undefined: there is no such key on that side; null: unlimited. */
export interface SettingsChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What has changed, key by key; nothing exactly when the settings are equal. */
export function diffSettings(before: Settings | undefined, after: Settings): SettingsChange[] {
  const [old, now] = [keysOf(before), keysOf(after)];
  const changes = [...new Set([...old.keys(), ...now.keys()])]
    .map((key) => ({ key, before: old.get(key), after: now.get(key) }))
    .filter((change) => change.before !== change.after);
  return [...orderChanges(before, after), ...changes];
}

/** Every key of the document with its value; what is in a list is named, not counted. */
function keysOf(settings: Settings | undefined): ReadonlyMap<string, unknown> {
  if (settings === undefined) return new Map();
  const {
    resources,
    resource_pools: pools,
    multi_tenancy,
    jobs,
    scheduling,
    burst_capacity: burst,
    cost_tracking: cost,
    security,
  } = settingsDocument(settings);
  const tree = {
    resources: Object.fromEntries(resources.map(({ name, ...fields }) => [name, fields])),
    resource_pools: {
      ...pools,
      pools: Object.fromEntries(
        pools.pools.map(({ id, provider, ...fields }) => {
          return [id, { ...fields, provider: orAbsent(provider) }];
        }),
      ),
    },
    multi_tenancy,
    jobs: { ...jobs, default_ttl_seconds: orAbsent(jobs.default_ttl_seconds) },
    scheduling,
    burst_capacity: {
      ...burst,
      approval: { ...burst.approval, approvers: burst.approval.approvers.join(', ') || undefined },
    },
    cost_tracking: { ...cost, retention_days: orAbsent(cost.retention_days) },
    // An empty list is like none.
    security: { require_reason: security.require_reason.join(' ') || undefined },
  };
  return new Map(leavesOf(tree));
}

/** Null would say unlimited, and what is no limit is not there instead. */
function orAbsent<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

function leavesOf(value: unknown, path: readonly string[] = []): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

/** Lists are shown in their order, so that a new order is a change as well. */
function orderChanges(before: Settings | undefined, after: Settings): SettingsChange[] {
  const [old, now] = [listsOf(before), listsOf(after)];
  return Object.entries(now).flatMap(([key, names]) => orderChange(key, old[key] ?? [], names));
}

function orderChange(key: string, old: readonly string[], now: readonly string[]) {
  const stayed = old.filter((name) => now.includes(name));
  const stays = now.filter((name) => old.includes(name));
  return stayed.join() === stays.join() ? [] : [{ key, before: old, after: now }];
}

function listsOf(settings: Settings | undefined): Readonly<Record<string, readonly string[]>> {
  if (settings === undefined) return {};
  return {
    resources: settings.resources.map(({ name }) => name),
    'resource_pools.pools': settings.resourcePools.pools.map(({ name }) => name),
  };
}
