import * as z from 'zod';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import {
  defaultSettings,
  RESOURCE_NAME,
  RESOURCE_UNIT,
  type SettingsProblem,
} from '../../domain/settings.ts';
import { nearest } from '../nearest.ts';
import { lazy } from '../operation.ts';

/** The settings as the config file and `config apply` take them. */
export const SettingsDocument = lazy(() =>
  section({
    resources: resourcesSection().default([]),
    multi_tenancy: multiTenancySection().prefault({}),
  }).describe('What decides, the same for every process that uses the database'),
);

export const resourcesSection = lazy(() =>
  z
    .array(resource(), { error: expected('a list of resources') })
    .describe('What is counted, beside the built-in cpu_m, memory_mb, gpu and jobs'),
);

export const multiTenancySection = lazy(() =>
  section({
    default_tenant_quota: defaultTenantQuota()
      .prefault({})
      .describe('The limits of a new tenant, by resource; all others stay unset'),
  }).describe('What holds for tenants'),
);

function resource() {
  return section({
    name: z
      .string({ error: expected('a name such as license') })
      .regex(RESOURCE_NAME, { error: expected('a-z, 0-9 and _, from a letter, at most 31') })
      .describe('Name, as in --set license=3'),
    unit: z
      .string({ error: expected('one word such as seats') })
      .regex(RESOURCE_UNIT, { error: expected('one word such as seats, at most 31 letters') })
      .optional()
      .describe('What one of it is called; count, where nothing is said'),
    default_limit: limit()
      .default(0)
      .describe('The limit of every tenant without one of its own; 0 closes it'),
  });
}

function defaultTenantQuota() {
  const quota = defaultSettings.defaultTenantQuota;
  return section({
    cpu_m: limit()
      .default(quota['cpu_m'] ?? 0)
      .describe('Processors, in thousandths of a core'),
    memory_mb: limit()
      .default(quota['memory_mb'] ?? 0)
      .describe('Memory, in MiB'),
    gpu: limit()
      .default(quota['gpu'] ?? 0)
      .describe('GPUs'),
    max_concurrent_jobs: limit()
      .default(quota['jobs'] ?? 0)
      .describe('Jobs at the same time'),
  }).catchall(limit());
}

/** Null is unlimited. YAML has no good word for null, so that there one writes `unlimited`. */
function limit() {
  const error = expected(`a whole number from 0 to ${MAX_AMOUNT}, or unlimited`);
  const amount = z.int({ error }).min(0, { error }).max(MAX_AMOUNT, { error });
  return z.preprocess((value) => (value === 'unlimited' ? null : value), amount.nullable());
}

/** Keys and values, and no others than these. */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const wrongType = expected('keys with values');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'invalid_type' ? wrongType : undefined),
  });
}

/** Every complaint in the sections has this form; who shows it can add what was found instead. */
export function expected(what: string): string {
  return `expected ${what}`;
}

/** The problem in words, with the name that was probably meant, or those that there are. */
export function describeProblem({ path, message, known = [] }: SettingsProblem): string {
  const meant = nearest(String(path.at(-1)), known);
  if (meant !== undefined) return `${message}; did you mean ${meant}?`;
  return known.length === 0 ? message : `${message}; known here: ${known.join(', ')}`;
}
