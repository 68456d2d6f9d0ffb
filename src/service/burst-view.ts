import type * as z from 'zod';
import { burstStateAsOf, lifted } from '../domain/burst.ts';
import { bindingAncestor, freeOf } from '../domain/quota.ts';
import type { BurstRow } from '../store/store.ts';
import { allowancesOf, sameResource, type CatalogueAllowance } from './allowances.ts';
import { liftOf } from './burst-lifts.ts';
import type { Overdue } from './ledger.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import type { BurstResponse } from './schemas/burst.ts';
import { toInstant } from './schemas/common.ts';
import { existing } from './tenant-lookup.ts';

export type BurstView = z.output<ReturnType<typeof BurstResponse>>;

type At = Pick<Context, 'tables' | 'now'>;

/** Sessions as they are answered, as of now; what they share is read once. */
export async function burstViews(at: At): Promise<(burst: BurstRow) => Promise<BurstView>> {
  const overdue = await overdueAsOf(at.tables, at.now);
  return (burst) => viewBurst(at, burst, overdue);
}

async function viewBurst(at: At, burst: BurstRow, overdue: Overdue): Promise<BurstView> {
  const { tables, now } = at;
  const tenant = await existing(tables, burst.tenant);
  const pool = burst.pool === null ? undefined : await existingPool(tables, burst.pool);
  const state = burstStateAsOf(burst, now);
  const approvals = await tables.bursts.approvals(burst.key);
  return {
    id: burst.id,
    tenant: tenant.name,
    tenant_id: tenant.id,
    pool: pool?.name ?? null,
    state,
    percentage: burst.percentage,
    lifts: await viewLifts(at, burst, overdue),
    on_end: burst.onEnd,
    reason: burst.reason,
    automatic: burst.isAutomatic,
    requested_by: burst.requestedBy,
    requested_at: toInstant(burst.requestedAt),
    approvals: approvals.map(({ principal, approvedAt }) => {
      return { principal, approved_at: toInstant(approvedAt) };
    }),
    approvals_required: burst.approvalsRequired,
    lapses_at: state === 'requested' ? toInstant(burst.lapsesAt) : null,
    starts_at: instantOrNull(burst.startsAt),
    ends_at: instantOrNull(burst.endsAt),
    duration_seconds: burst.durationSeconds,
    ended_at: instantOrNull(endedAt(burst, now)),
    decided_by: burst.decidedBy,
    decided_reason: burst.decidedReason,
    decided_at: instantOrNull(burst.decidedAt),
    jobs: await tables.bursts.countJobs(burst.key),
    as_of: toInstant(now),
    version: burst.version,
  };
}

/** Also of one whose time has run out, and nobody has written that yet. */
function endedAt(burst: BurstRow, now: number): number | null {
  if (burst.endedAt !== null) return burst.endedAt;
  const state = burstStateAsOf(burst, now);
  if (state === 'ended') return burst.endsAt;
  return state === 'lapsed' ? burst.lapsesAt : null;
}

async function viewLifts(at: At, burst: BurstRow, overdue: Overdue): Promise<BurstView['lifts']> {
  const { tables } = at;
  const lifts = await tables.bursts.lifts(burst.key);
  const resources = (await tables.resources.list()).filter(({ key }) =>
    lifts.some(({ resource }) => resource === key),
  );
  const tenant = await existing(tables, burst.tenant);
  const pool = burst.pool === null ? undefined : await existingPool(tables, burst.pool);
  const { own, above } = await allowancesOf(at, tenant, pool, resources, overdue);
  return own.map((allowance) => {
    const { resource, limit, used } = allowance;
    const amount = lifts.find((each) => each.resource === resource.key)?.amount ?? null;
    const raised = lifted(limit, liftOf(burst, amount));
    const bound = bindingAncestor(
      { ...allowance, inForce: raised },
      sameResource(allowance, above),
    );
    return {
      ...{ resource: resource.name, unit: resource.unit, add: amount, limit, raised },
      ...{ in_force: allowance.inForce, used },
      bound_by: bound === undefined ? null : viewBinding(bound),
    };
  });
}

function viewBinding(bound: NonNullable<ReturnType<typeof bindingAncestor>>) {
  const { tenant, pool, inForce, used } = bound;
  return { tenant, pool, limit: inForce, used, free: freeOf(bound) };
}

/** What sessions in force make of the limits of a scope, for the quota document. */
export interface RaisedLimits {
  readonly effective: Record<string, number>;
  readonly bursts: { id: string; resources: string[]; ends_at: string }[];
}

export function viewRaised(
  own: readonly CatalogueAllowance[],
  fieldOf: (resource: string) => string,
): RaisedLimits {
  const effective: Record<string, number> = {};
  const bursts = new Map<string, RaisedLimits['bursts'][number]>();
  for (const { resource, inForce, burst } of own) {
    if (burst === undefined || inForce === null || burst.endsAt === null) continue;
    const field = fieldOf(resource.name);
    effective[field] = inForce;
    const { id, endsAt } = burst;
    const known = bursts.get(id) ?? { id, resources: [], ends_at: toInstant(endsAt) };
    bursts.set(id, { ...known, resources: [...known.resources, field] });
  }
  return { effective, bursts: [...bursts.values()] };
}

export async function viewOne(at: At, burst: BurstRow): Promise<BurstView> {
  return (await burstViews(at))((await at.tables.bursts.byKey(burst.key)) ?? burst);
}

function instantOrNull(time: number | null): string | null {
  return time === null ? null : toInstant(time);
}
