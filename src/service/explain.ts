import * as z from 'zod';
import { explainDecisionRow, explainJobRow } from './explain-request.ts';
import { causesOf, recentRejections, suspendedBy } from './explain-tenant.ts';
import { explainExample, tenantExplainExample } from './explain-examples.ts';
import { notFound } from '../domain/errors.ts';
import { stateAsOf } from '../domain/job.ts';
import { EVERYBODY } from '../domain/role.ts';
import { findJob } from './job-lookup.ts';
import { operation } from './operation.ts';
import { tenantReference, toInstant } from './schemas/common.ts';
import { ExplainResponse, TenantExplainResponse } from './schemas/explain.ts';
import { jobReference } from './schemas/job.ts';
import { findTenantToRead } from './tenant-lookup.ts';

export const explainJob = operation({
  name: 'job.explain',
  summary: 'Why a job waits or was admitted: scope by scope, who holds what it lacks, what helps',
  method: 'GET',
  path: '/jobs/{job}/explain',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ job: jobReference() }),
  output: ExplainResponse,
  example: { input: { job: 'acme:build-814' }, output: explainExample },
  run: async (context, input) => explainJobRow(context, await findJob(context.tables, input.job)),
});

export const explainDecision = operation({
  name: 'decision.explain',
  summary: 'Why a request was not admitted, with the numbers of then and of now',
  method: 'GET',
  path: '/decisions/{decision}/explain',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      decision: z
        .string()
        .min(1)
        .max(64)
        .describe('Id of a decision.')
        .meta({ example: 'dec-01k3f7q2m4xwzc8mbh' }),
    }),
  output: ExplainResponse,
  example: {
    input: { decision: 'dec-01k3f7q2m4xwzc8mbh' },
    output: {
      ...{ ...explainExample, kind: 'decision' as const, id: 'dec-01k3f7q2m4xwzc8mbh' },
      ...{ position: null, line: null },
    },
  },

  async run(context, input) {
    const decision = await context.tables.decisions.byId(input.decision);
    if (decision !== undefined) return explainDecisionRow(context, decision);
    throw notFound(
      `Decision not found: ${input.decision}`,
      'See which there are: hodei violation list',
    );
  },
});

export const explainTenant = operation({
  name: 'tenant.explain',
  summary: 'All that a tenant waits for and was refused, by cause',
  method: 'GET',
  path: '/tenants/{tenant}/explain',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () => z.strictObject({ tenant: tenantReference() }),
  output: TenantExplainResponse,
  example: { input: { tenant: 'acme' }, output: tenantExplainExample },

  async run(context, input) {
    const { tables, now } = context;
    const tenant = await findTenantToRead(tables, input.tenant);
    const resources = await tables.resources.list();
    const states = ['queued', 'admitted'] as const;
    const filter = { states, tenant: tenant.key, now };
    const living = await tables.jobs.list(filter, undefined, LOOKED_AT);
    const waiting = living.filter((job) => stateAsOf(job, now) === 'queued');
    return {
      tenant: tenant.name,
      tenant_id: tenant.id,
      as_of: toInstant(now),
      suspended_by: await suspendedBy(tables, tenant),
      running: living.length - waiting.length,
      waiting: waiting.length,
      units: Object.fromEntries(resources.map(({ name, unit }) => [name, unit])),
      causes: await causesOf(context, waiting, resources),
      rejections: await recentRejections(context, tenant),
    };
  },
});

/** Of one tenant so many living jobs are looked at. */
const LOOKED_AT = 100_000;
