import * as z from 'zod';
import { lazy } from '../operation.ts';
import { dominant, share } from './queue.ts';

function amounts(what: string) {
  return z.record(z.string(), z.int()).describe(what);
}

export const units = lazy(() =>
  z.record(z.string(), z.string()).describe('By resource: of what the amounts are.'),
);

const held = lazy(() => ({
  tenant: z.string(),
  tenant_id: z.string(),
  depth: z.int().optional().describe('In a tree listing: levels below where it starts.'),
  total: amounts('By resource: what it and everything below it holds, in base units.'),
  pools: z
    .array(z.strictObject({ pool: z.string(), used: amounts('The part of it in this pool.') }))
    .describe('Pools in which something is held, by name.'),
  limits: z
    .record(z.string(), z.int().nullable())
    .describe('By resource: the limit in force; null is unlimited.'),
}));

/** What a tenant and everything below it holds now. */
export const UsageResponse = lazy(() =>
  z.strictObject({ ...held(), units: units() }).meta({ id: 'UsageResponse' }),
);

/** Who has most, and of what. */
export const UsageTopResponse = lazy(() =>
  z
    .strictObject({
      tenants: z
        .array(
          z.strictObject({
            ...held(),
            depth: z.int().describe('0; below the tenant that was asked about 1.'),
            weight: z.int(),
            share: share(),
            dominant: dominant(),
          }),
        )
        .describe(
          'Those that hold something, the largest share first; before them, also where it holds ' +
            'nothing, the tenant that was asked about.',
        ),
      has_more: z.boolean().describe('Whether others hold something too.'),
      units: units(),
    })
    .meta({ id: 'UsageTopResponse' }),
);

/** Most differences that an answer lists; it counts all of them. */
export const LISTED_MAX = 1_000;

/** What came of comparing the ledger with the live jobs. */
export const UsageVerification = lazy(() =>
  z
    .strictObject({
      balances: z.int().describe('Balances that there are or should be.'),
      jobs: z.int().describe('Live jobs.'),
      rows: z.int().describe('Balances and jobs that were read.'),
      differences: z
        .array(
          z.strictObject({
            tenant: z.string().nullable().describe('Null: of the pool as a whole.'),
            tenant_id: z.string().nullable(),
            pool: z.string().nullable().describe('Null: everywhere.'),
            resource: z.string(),
            used: z.int().describe('What the ledger says.'),
            should_be: z.int().describe('What live jobs hold.'),
          }),
        )
        .describe(`The first ${LISTED_MAX}: first of tenants with none below, last of pools.`),
      differences_in_all: z.int(),
      units: units(),
    })
    .meta({ id: 'UsageVerification' }),
);
