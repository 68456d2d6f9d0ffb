import * as z from 'zod';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';
import { effects, poolReference } from './pool.ts';

const limit = lazy(() => {
  const wanted = 'must be a whole number from 0 to 2^53-1, or null for unlimited';
  return z.int(wanted).min(0, wanted).max(MAX_AMOUNT, wanted).nullable();
});

const limitChange = lazy(() => {
  const wanted =
    'must be a whole number from 0 to 2^53-1, null for unlimited, or "+4" or "-2" to change it by';
  const amount = z.int(wanted).min(0, wanted).max(MAX_AMOUNT, wanted);
  return z.union([amount, z.null(), z.string().regex(/^[+-]\d{1,16}$/, wanted)], wanted);
});

/** Limits by field: the four that are built in, and any other resource of the catalogue. */
function limitFields<T extends z.ZodType>(value: () => T) {
  return {
    cpu_m: value().optional().describe('Millicores.'),
    memory_mb: value().optional().describe('MiB.'),
    gpu: value().optional().describe('GPUs.'),
    max_concurrent_jobs: value().optional().describe('Jobs at one time.'),
  };
}

/** Limits to begin with, where they differ from the default quota. */
export const InitialQuota = lazy(() =>
  z
    .object(limitFields(limit))
    .catchall(limit() as z.ZodType<unknown>)
    .describe('Limits in base units, where they differ from the default quota; null is unlimited.'),
);

export const READ_ONLY_FIELDS = [
  'tenant_id',
  'tenant_name',
  'units',
  'current_usage',
  'bound_by',
  'effective',
  'bursts',
  'version',
  'updated_at',
  'changes',
  'warnings',
  'effects',
] as const;

/** What a GET answered may be edited and sent back, so its read-only fields are let through. */
export const TenantQuota = lazy(() =>
  z
    .object({
      ...limitFields(limitChange),
      pool: poolReference()
        .nullable()
        .optional()
        .describe('Limits in this pool, beside those that hold everywhere.'),
      unset: z
        .array(z.string())
        .optional()
        .describe('Fields that follow the default: those sent with the default stay unset.'),
      ...readOnlyFields(),
    })
    .catchall(limitChange() as z.ZodType<unknown>)
    .describe('Limits in base units; null is unlimited, a field that is left out stays as it is.'),
);

function readOnlyFields() {
  const ignored = z.unknown().optional().describe('Read only: accepted and ignored.');
  return Object.fromEntries(READ_ONLY_FIELDS.map((field) => [field, ignored])) as Record<
    (typeof READ_ONLY_FIELDS)[number],
    typeof ignored
  >;
}

const ancestorLimit = lazy(() =>
  z.strictObject({
    tenant: z.string().nullable().describe('Null: the pool itself.'),
    pool: z.string().nullable(),
    limit: limit(),
    used: z.int(),
    free: limit(),
  }),
);

/**
 * A resource that the catalogue adds has its limit under its own name. TypeScript cannot say
 * "every other field", so there the type is open; what is parsed is a limit.
 */
function otherLimit(): z.ZodType<unknown> {
  return limit();
}

function quotaFields() {
  return {
    tenant_id: z.string(),
    tenant_name: z.string(),
    pool: z.string().nullable().describe('Null: limits everywhere; else those in this pool.'),
    cpu_m: limit(),
    memory_mb: limit(),
    gpu: limit(),
    max_concurrent_jobs: limit(),
    unset: z
      .array(z.string())
      .describe("Fields without a limit of the tenant's own: the resource's default is shown."),
    units: z.record(z.string(), z.string()).describe('By field: of what the amounts are.'),
    current_usage: z
      .object({ cpu_m: z.int(), memory_mb: z.int(), gpu: z.int(), active_jobs: z.int() })
      .catchall(z.int()),
    bound_by: z
      .record(z.string(), ancestorLimit())
      .describe('By field: who else leaves less than the own limit does, the tightest.'),
    effective: z
      .record(z.string(), z.int())
      .describe('By field: the limit that holds now, where a burst session lifts it.'),
    bursts: z
      .array(z.strictObject({ id: z.string(), resources: z.array(z.string()), ends_at: instant() }))
      .describe('The burst sessions that do, with the fields they lift.'),
    version: z.int().describe('Counts the changes of the limits; sent as ETag.'),
    updated_at: instant(),
  };
}

export const QuotaResponse = lazy(() =>
  z.object(quotaFields()).catchall(otherLimit()).meta({ id: 'QuotaResponse' }),
);

export const QuotaChangeResponse = lazy(() =>
  z
    .object({
      ...quotaFields(),
      changes: z
        .array(z.strictObject({ resource: z.string(), before: limit(), after: limit() }))
        .describe('What this call changed, limit in force before and after.'),
      warnings: z
        .array(
          z.strictObject({
            resource: z.string(),
            tenant: z.string().nullable(),
            pool: z.string().nullable(),
            limit: limit(),
          }),
        )
        .describe('Limits above one that holds too, and therefore binds first.'),
      effects: effects(),
    })
    .catchall(otherLimit())
    .meta({ id: 'QuotaChangeResponse' }),
);
