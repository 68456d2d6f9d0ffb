import * as z from 'zod';
import { MAX_WEIGHT, nearestTenantName, tenantNameProblem } from '../../domain/tenant.ts';
import { lazy } from '../operation.ts';
import { instant, labelsInput, tenantReference } from './common.ts';
import { InitialQuota } from './quota.ts';

const name = lazy(() =>
  z
    .string()
    .superRefine((text, check) => {
      const problem = tenantNameProblem(text);
      if (problem === undefined) return;
      const suggestion = nearestTenantName(text);
      const hint = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
      check.addIssue({ code: 'custom', message: problem, params: { hint } });
    })
    .describe('A DNS label: 1 to 63 of a-z, 0-9 and -, unique among the tenants there are.')
    .meta({ pattern: '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$' }),
);

const email = lazy(() =>
  z
    .email('must be an address such as ops@acme.example')
    .max(254)
    .describe('Whom to write to about this tenant.'),
);

const weight = lazy(() => {
  const wanted = `must be a whole number from 1 to ${MAX_WEIGHT}`;
  return z
    .int(wanted)
    .min(1, wanted)
    .max(MAX_WEIGHT, wanted)
    .describe(`Its part beside its siblings when a pool is full, 1 to ${MAX_WEIGHT}.`);
});

const labels = lazy(() => labelsInput('a tenant'));

const status = lazy(() => z.enum(['active', 'suspended']));

export const CreateTenantRequest = lazy(() =>
  z.strictObject({
    name: name(),
    email: email(),
    parent: tenantReference().nullable().optional().describe('Under which tenant; null: a root.'),
    weight: weight().default(1),
    labels: labels().default({}),
    quota: InitialQuota().optional(),
  }),
);

/** Fields that are left out stay as they are; those that only hodei writes are accepted and ignored. */
export const UpdateTenantRequest = lazy(() =>
  z.strictObject({
    name: name().optional(),
    email: email().optional(),
    parent: tenantReference().nullable().optional().describe('Under which tenant; null: a root.'),
    weight: weight().optional(),
    labels: labels().optional().describe('All labels: those that are not named are removed.'),
    status: status()
      .optional()
      .describe('Must be what it is; suspend and resume have routes of their own.'),
    id: z.string().optional().describe('Ignored.'),
    created_at: z.string().optional().describe('Ignored.'),
    updated_at: z.string().optional().describe('Ignored.'),
    version: z.int().optional().describe('Ignored; use If-Match.'),
    depth: z.int().optional().describe('Ignored.'),
  }),
);

export const TenantResponse = lazy(() =>
  z
    .strictObject({
      id: z.string(),
      name: z.string(),
      email: z.string(),
      parent: z.string().nullable().describe('Name of the tenant above; null for a root.'),
      weight: z.int(),
      labels: z.record(z.string(), z.string()),
      status: status(),
      created_at: instant(),
      updated_at: instant(),
      version: z.int().describe('Counts the changes; sent as ETag.'),
      depth: z.int().optional().describe('In a tree listing: levels below where it starts.'),
    })
    .meta({ id: 'TenantResponse' }),
);

export const tenantStatus = status;
