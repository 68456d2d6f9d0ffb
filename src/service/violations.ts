import * as z from 'zod';
import { reasonCodes, type ReasonCode } from '../domain/admission.ts';
import { READERS } from '../domain/role.ts';
import type { DecisionFilter, DecisionRow, Tables } from '../store/store.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import { rejectedExample, violationExample } from './job-examples.ts';
import { namesIn, viewViolation } from './job-view.ts';
import { operation } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { findResource } from './resource-lookup.ts';
import { pageInput, pageOutput, someTime, tenantReference, toInstant } from './schemas/common.ts';
import { DecisionResponse } from './schemas/job.ts';
import { poolReference } from './schemas/pool.ts';
import { findTenantOrTombstone } from './tenant-lookup.ts';

export type DecisionView = z.output<ReturnType<typeof DecisionResponse>>;

export const listViolations = operation({
  name: 'violation.list',
  summary: 'List requests that did not fit, with the numbers of that moment, the newest first',
  method: 'GET',
  path: '/violations',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      tenant: tenantReference().optional().describe('Only of this tenant; a deleted one by id.'),
      pool: poolReference().optional().describe('Only in this pool.'),
      resource: z.string().min(1).max(64).optional().describe('Only for want of this resource.'),
      code: z.enum(reasonCodes).optional().describe('Only for this reason.'),
      since: someTime().optional().describe('Only at or after this time.'),
      until: someTime().optional().describe('Only before this time.'),
      ...pageInput(),
    }),
  output: () => pageOutput(DecisionResponse()),
  example: {
    input: { tenant: 'acme', code: 'over_quota' as const, limit: 20 },
    output: {
      items: [
        {
          id: rejectedExample.decision_id,
          outcome: 'rejected' as const,
          code: 'over_quota' as const,
          retryable: true,
          decided_by: 'violation_policy: reject',
          tenant: 'acme',
          tenant_id: rejectedExample.tenant_id,
          pool: 'default',
          principal: 'ana',
          resources: rejectedExample.resources,
          times: 3,
          first_at: '2026-11-23T09:20:00.000Z',
          last_at: '2026-11-23T09:20:12.000Z',
          violations: [violationExample],
        },
      ],
      next_cursor: null,
    },
  },

  async run({ tables }, input) {
    const before = decodeNumber('decision', input.cursor);
    const filter = await toFilter(tables, input);
    const found = await tables.decisions.list(filter, before, input.limit + 1);
    const { rows, next } = cutPage(found, input.limit, 'decision', (last) => [last.key]);
    const names = namesIn(tables);
    const items: DecisionView[] = [];
    for (const row of rows) items.push(await viewOf(names, row));
    return { items, next_cursor: next };
  },
});

interface FilterInput {
  readonly tenant?: string | undefined;
  readonly pool?: string | undefined;
  readonly resource?: string | undefined;
  readonly code?: ReasonCode | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

async function toFilter(tables: Tables, input: FilterInput): Promise<DecisionFilter> {
  const { tenant, pool, resource, code, since, until } = input;
  return {
    ...(tenant !== undefined && { tenant: (await findTenantOrTombstone(tables, tenant)).key }),
    ...(pool !== undefined && { pool: (await findPool(tables, pool)).key }),
    ...(resource !== undefined && { resource: (await findResource(tables, resource)).key }),
    ...(code !== undefined && { code }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  };
}

async function viewOf(names: ReturnType<typeof namesIn>, row: DecisionRow): Promise<DecisionView> {
  const tenant = await names.tenant(row.tenant);
  return {
    id: row.id,
    outcome: row.outcome,
    code: row.code,
    retryable: row.isRetryable,
    decided_by: row.decidedBy,
    tenant: tenant.name,
    tenant_id: tenant.id,
    pool: (await names.pool(row.pool)).name,
    principal: row.principal,
    resources: { ...row.request },
    times: row.times,
    first_at: toInstant(row.firstAt),
    last_at: toInstant(row.lastAt),
    violations: (await names.violations(row.key)).map(viewViolation),
  };
}
