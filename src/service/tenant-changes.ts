import { conflict, HodeiError } from '../domain/errors.ts';
import { stateAsOf, transition } from '../domain/job.ts';
import type { TenantStatus } from '../domain/tenant.ts';
import type { JobRow, Tables, TenantRow } from '../store/store.ts';
import { dropBudget } from './budget-changes.ts';
import { dropBursts } from './burst-settlement.ts';
import { recordEvent } from './event-log.ts';
import type { EventName } from '../domain/event-names.ts';
import { endJob } from './job-changes.ts';
import { expectVersion, type Context } from './operation.ts';
import { promote, wake } from './promotion.ts';
import { expire } from './settle.ts';
import { ancestorsOf, findTenant, findTenantToChange } from './tenant-lookup.ts';
import { viewTenant, type TenantView } from './tenant-view.ts';

export async function requireFreeName(tables: Tables, name: string): Promise<void> {
  const other = await tables.tenants.byName(name);
  if (other !== undefined) throw conflict(`A tenant named ${name} exists already (${other.id}).`);
}

/** So many tenants and jobs go with one transaction. */
const DELETED_AT_ONCE = 500;

/**
 * Deletes a tenant and all below it, leaf first, so that none ever stands under a deleted one. Jobs
 * that live there are cancelled or evicted; only then others get their room. What is too much for
 * one transaction is suspended, so that nothing new starts, and gone on with in the next one.
 */
export async function deleteSubtree(
  context: Context,
  tenant: TenantRow,
): Promise<'done' | 'unfinished'> {
  const { tables, caller } = context;
  let isDone = false;
  for (
    let left = caller.dryRun === true ? Infinity : DELETED_AT_ONCE;
    left > 0 && !isDone;
    left--
  ) {
    const leaf = await leafBelow(tables, tenant);
    const [job] = await tables.jobs.livingOf(leaf.key, 1);
    if (job !== undefined) {
      await removeJob(context, job);
      continue;
    }
    await deleteOne(context, leaf);
    isDone = leaf.key === tenant.key;
  }
  if (!isDone) await setStatus(context, tenant.id, 'suspended');
  return isDone ? 'done' : 'unfinished';
}

async function leafBelow(tables: Tables, tenant: TenantRow): Promise<TenantRow> {
  const [child] = await tables.tenants.children(tenant.key, '', 1);
  return child === undefined ? tenant : leafBelow(tables, child);
}

async function removeJob(context: Context, job: JobRow): Promise<void> {
  if (stateAsOf(job, context.now) === 'expired') return expire(context, job);
  const to = transition(job.state, 'evict');
  if (to !== 'evicted' && to !== 'cancelled') throw new Error(`job ${job.id} is ${job.state}`);
  await endJob(context, job, to, to === 'evicted' ? 'evict' : 'cancel');
}

async function deleteOne(context: Context, tenant: TenantRow): Promise<void> {
  const { tables, now } = context;
  // Nothing has ended in the future: so these are those that have not ended.
  await dropBursts(context, await tables.bursts.ofTenant(tenant.key, now + 1));
  await dropBudget(tables, tenant);
  const before = await viewTenant(tables, tenant);
  await tables.tenants.replaceLabels(tenant.key, {});
  await tables.tenants.update({
    ...tenant,
    version: tenant.version + 1,
    updatedAt: now,
    deletedAt: now,
  });
  await recordEvent(context, {
    operation: 'tenant.delete',
    tenant: tenant.id,
    object: tenant.id,
    before: { ...settableFields(before), status: before.status },
    after: null,
  });
}

export async function setStatus(
  context: Context,
  reference: string,
  status: TenantStatus,
): Promise<TenantView> {
  const { tables } = context;
  const tenant = await findTenantToChange(context, reference);
  if (context.round === 0) expectVersion(context, tenant.version, tenant.name);
  const before = await viewTenant(tables, tenant);
  const view = await saveTenant(context, `tenant.${verbOf(status)}`, before, { ...tenant, status });
  if (status === 'active') await promoteBelow(context, tenant);
  return view;
}

/** Jobs that were held back by the suspension wait at the tenant itself, for leave to start. */
async function promoteBelow(context: Context, tenant: TenantRow): Promise<void> {
  const { tables } = context;
  const scope = await tables.scopes.of({ tenant: tenant.key, pool: null });
  const resource = (await tables.resources.list()).find(({ name }) => name === 'jobs');
  if (scope === undefined || resource === undefined) return;
  await promote(context, await wake(tables, [{ scope: scope.key, resource: resource.key }]));
}

export function verbOf(status: TenantStatus): 'suspend' | 'resume' {
  return status === 'suspended' ? 'suspend' : 'resume';
}

/** Writes a changed tenant with its event; what is equal to before is no change. */
export async function saveTenant(
  context: Context,
  operationName: EventName,
  before: TenantView,
  changed: TenantRow,
): Promise<TenantView> {
  const { tables } = context;
  const difference = differingFields(before, await viewTenant(tables, changed));
  if (difference === undefined) return before;
  const saved = { ...changed, version: changed.version + 1, updatedAt: context.now };
  await tables.tenants.update(saved);
  await recordEvent(context, {
    operation: operationName,
    tenant: saved.id,
    object: saved.id,
    ...difference,
  });
  return viewTenant(tables, saved);
}

/**
 * The parent that a change leads to.
 * @throws conflict when the tenant would be above itself, forbidden when it would leave the caller's reach.
 */
export async function parentAfter(
  context: Context,
  tenant: TenantRow,
  reference: string | null | undefined,
): Promise<number | null> {
  const { tables } = context;
  if (reference === undefined) return tenant.parent;
  if (reference === null) {
    if (tenant.parent !== null) requireRootsInReach(context);
    return null;
  }
  const parent = await findTenant(tables, reference);
  const line = [parent, ...(await ancestorsOf(tables, parent))];
  if (!line.some(({ key }) => key === tenant.key)) return parent.key;
  throw conflict(
    parent.key === tenant.key
      ? `${tenant.name} cannot be its own parent.`
      : `${tenant.name} cannot move under ${parent.name}, which is below it.`,
  );
}

/** @throws forbidden for who is bound to a tenant: what has no parent would be out of its reach. */
export function requireRootsInReach({ reach }: Pick<Context, 'reach'>): void {
  if (reach.root === undefined) return;
  throw new HodeiError(
    'forbidden',
    'You are bound to a tenant, and all you create stands below it.',
    {
      hint: 'Name a parent: --parent, parent in the body.',
    },
  );
}

type SettableFields = Pick<TenantView, 'name' | 'email' | 'parent' | 'weight' | 'labels'>;

export function settableFields(tenant: TenantView): SettableFields {
  const { name, email, parent, weight, labels } = tenant;
  return { name, email, parent, weight, labels };
}

function differingFields(before: TenantView, after: TenantView) {
  const old: Record<string, unknown> = {};
  const next: Record<string, unknown> = {};
  for (const field of ['name', 'email', 'parent', 'weight', 'labels', 'status'] as const) {
    // Labels come sorted by key, so equal ones have equal texts.
    if (JSON.stringify(before[field]) === JSON.stringify(after[field])) continue;
    old[field] = before[field];
    next[field] = after[field];
  }
  return Object.keys(next).length === 0 ? undefined : { before: old, after: next };
}
