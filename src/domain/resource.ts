/**
 * A named, countable dimension. Amounts of it are whole numbers of `unit`;
 * `defaultLimit` holds for every tenant without a limit of its own (null: unlimited).
 */
export interface Resource {
  readonly name: string;
  readonly unit: string;
  readonly defaultLimit: number | null;
}

/** How people write and read amounts: cores for millicores, GiB for MiB, plain numbers else. */
export type Dimension = 'cpu' | 'memory' | 'count';

/** The largest amount that JavaScript, JSON and SQL all keep exactly: 2^53 - 1. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

export const builtInResources: readonly Resource[] = [
  { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 },
  { name: 'memory_mb', unit: 'MiB', defaultLimit: 0 },
  { name: 'gpu', unit: 'count', defaultLimit: 0 },
  { name: 'jobs', unit: 'count', defaultLimit: 0 },
];

export function builtInOf(name: string): Resource | undefined {
  return builtInResources.find((resource) => resource.name === name);
}

export function dimensionOf(resource: { readonly unit: string }): Dimension {
  if (resource.unit === 'millicores') return 'cpu';
  return resource.unit === 'MiB' ? 'memory' : 'count';
}

/** What people call it at a terminal: `cpu`, `memory`, else its name. */
export function spokenName(resourceName: string): string {
  if (resourceName === 'cpu_m') return 'cpu';
  return resourceName === 'memory_mb' ? 'memory' : resourceName;
}

/** The resource that a word stands for, as people call it or by its name; the inverse of `spokenName`. */
export function resourceOfWord(word: string): string {
  if (word === 'cpu') return 'cpu_m';
  return word === 'memory' ? 'memory_mb' : word;
}

/** The field of a quota document that carries the limit. */
export function limitField(resourceName: string): string {
  return resourceName === 'jobs' ? 'max_concurrent_jobs' : resourceName;
}

/** The field of `current_usage` that carries what is used. */
export function usageField(resourceName: string): string {
  return resourceName === 'jobs' ? 'active_jobs' : resourceName;
}

/** The resource that a field of a quota document speaks of; the inverse of `limitField`. */
export function resourceOfLimitField(field: string): string {
  return field === 'max_concurrent_jobs' ? 'jobs' : field;
}

/** What the resources have, in the order of the catalogue: so that equal settings look equal. */
export function byResource<T>(
  catalogue: readonly Resource[],
  valueOf: (resource: Resource) => T | undefined,
): Readonly<Record<string, T>> {
  const entries = catalogue.map((resource) => [resource.name, valueOf(resource)] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, T] => entry[1] !== undefined),
  );
}
