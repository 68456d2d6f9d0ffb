import { changeLimit, lowerAncestor, type AncestorAllowance, type Limit } from '../domain/quota.ts';
import type { LimitChange } from '../domain/quantity.ts';
import { limitField } from '../domain/resource.ts';
import type { PoolRow, ResourceRow, ScopeRow, TenantRow, WaitingRow } from '../store/store.ts';
import {
  allowancesOf,
  catalogueOf,
  limitVersion,
  resourceOfField,
  sameResource,
  type CatalogueAllowance,
  type TenantAllowances,
} from './allowances.ts';
import { noEffects, overView, startedView, type Effects } from './effects.ts';
import { recordEvent } from './event-log.ts';
import type { EventName } from '../domain/event-names.ts';
import { expectVersion, type Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import type { PathScope } from './ledger.ts';
import { distinct, promote, wake, type Room } from './promotion.ts';
import { noticeLimits } from './quota-notices.ts';
import { sendStranded } from './waiting.ts';

/** A limit as sent: base units, null for unlimited, `+4` or `-2` relative to what is. */
export type SentLimit = number | null | string;

/** By field of the quota document. */
export type SentLimits = Readonly<Record<string, SentLimit | undefined>>;

interface ResourceChange {
  readonly resource: string;
  readonly before: Limit;
  readonly after: Limit;
}

interface LimitWarning {
  readonly resource: string;
  readonly tenant: string | null;
  readonly pool: string | null;
  readonly limit: Limit;
}

/** Whose limits are changed: a tenant's, everywhere or in one pool. */
export interface Subject {
  readonly tenant: TenantRow;
  readonly pool: PoolRow | undefined;
}

/** What a call really changed, what makes it less than it seems, and what follows. */
export interface LimitOutcome {
  readonly changes: ResourceChange[];
  readonly warnings: LimitWarning[];
  readonly effects: Effects;
}

/** The outcome, and the allowances as they are after it. */
export interface Changed {
  readonly outcome: LimitOutcome;
  readonly allowances: TenantAllowances;
}

/** Sets the limits that were sent and records the event. */
export async function setLimits(
  context: Context,
  subject: Subject,
  sent: SentLimits,
  unset: readonly string[],
): Promise<Changed> {
  const catalogue = await catalogueOf(context.tables);
  const present = await presentOf(context, subject, catalogue);
  for (const field of unset) resourceOfField(catalogue, field);
  const changed: CatalogueAllowance[] = [];
  for (const [field, value] of Object.entries(sent)) {
    if (value === undefined) continue;
    const resource = resourceOfField(catalogue, field);
    const before = present.own.find((allowance) => allowance.resource === resource);
    if (before === undefined || (unset.includes(field) && value === before.limit)) continue;
    const limit = changeLimit(before.limit, toChange(value), resource);
    if (before.isOwn && limit === before.limit) continue;
    changed.push({ ...before, isOwn: true, limit });
  }
  return saveLimits(context, subject, 'quota.set', present, changed);
}

/** Takes a tenant's own limit away, so that the default holds. */
export async function unsetLimit(
  context: Context,
  subject: Subject,
  field: string,
): Promise<Changed> {
  const catalogue = await catalogueOf(context.tables);
  const resource = resourceOfField(catalogue, field);
  const present = await presentOf(context, subject, catalogue);
  const before = present.own.find((allowance) => allowance.resource === resource);
  if (before?.isOwn !== true) return unchanged(present);
  return saveLimits(context, subject, 'quota.unset', present, [
    { ...before, isOwn: false, limit: defaultOf(subject, resource) },
  ]);
}

function defaultOf({ pool }: Subject, resource: ResourceRow): Limit {
  if (pool === undefined) return resource.defaultLimit;
  return resource.name === 'jobs' ? pool.maxJobsPerTenant : null;
}

async function presentOf(
  context: Context,
  { tenant, pool }: Subject,
  catalogue: readonly ResourceRow[],
): Promise<TenantAllowances> {
  const { tables, now } = context;
  const overdue = await overdueAsOf(tables, now);
  const present = await allowancesOf(context, tenant, pool, catalogue, overdue);
  const what = pool === undefined ? tenant.name : `${tenant.name} in pool ${pool.name}`;
  expectVersion(context, limitVersion(present.scope), `The quota of ${what}`);
  return present;
}

function unchanged(allowances: TenantAllowances): Changed {
  return { outcome: { changes: [], warnings: [], effects: noEffects }, allowances };
}

async function saveLimits(
  context: Context,
  subject: Subject,
  operationName: EventName,
  present: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): Promise<Changed> {
  if (changed.length === 0) return unchanged(present);
  const scope = await writeLimits(context, present, changed);
  await recordLimits(context, subject, operationName, present, changed);
  const after = await allowancesAfter(context, subject, present, changed, scope);
  await noticeLimits(context, present, after);
  const effects = await effectsOf(
    context,
    after,
    changed.flatMap((allowance) => sameResource(allowance, after.own)),
  );
  const outcome = {
    changes: changesOf(present, changed),
    warnings: warningsOf(changed, present.above),
    effects,
  };
  if (effects.started.length === 0) return { outcome, allowances: after };
  // What started uses something.
  return { outcome, allowances: await allowancesNow(context, subject, present) };
}

async function allowancesNow(
  context: Context,
  { tenant, pool }: Subject,
  { own }: TenantAllowances,
): Promise<TenantAllowances> {
  const catalogue = own.map(({ resource }) => resource);
  const overdue = await overdueAsOf(context.tables, context.now);
  return allowancesOf(context, tenant, pool, catalogue, overdue);
}

/** Where no session makes something else of the limits, they need not be read again. */
async function allowancesAfter(
  context: Context,
  subject: Subject,
  present: TenantAllowances,
  changed: readonly CatalogueAllowance[],
  row: ScopeRow,
): Promise<TenantAllowances> {
  const standing = await context.tables.bursts.standing();
  if (standing.length > 0) return allowancesNow(context, subject, present);
  const own = present.own.map((allowance) => {
    const [after = allowance] = sameResource(allowance, changed);
    return { ...after, inForce: after.limit };
  });
  return { ...present, own, scope: { ...present.scope, key: row.key, row } };
}

async function writeLimits(
  { tables, now }: Context,
  { scope }: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): Promise<ScopeRow> {
  const key = scope.key ?? (await tables.scopes.insert(scope.subject, now));
  for (const { resource, limit, isOwn } of changed) {
    if (isOwn) await tables.quotas.setLimit(key, resource.key, limit);
    else await tables.quotas.unsetLimit(key, resource.key);
  }
  const row = {
    ...scope.subject,
    key,
    version: (scope.row?.version ?? 1) + 1,
    updatedAt: now,
  };
  await tables.scopes.touch(row);
  return row;
}

async function effectsOf(
  context: Context,
  { scope }: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): Promise<Effects> {
  const { tables } = context;
  const places =
    scope.key === undefined
      ? []
      : changed.map(({ resource }) => ({ scope: Number(scope.key), resource: resource.key }));
  const doors = await sendBelow(context, scope, changed);
  const started = await promote(context, distinct([...(await wake(tables, places)), ...doors]));
  return { over: overView(scope, changed), started: await startedView(context, started) };
}

/**
 * Without a limit of its own in a pool, what each tenant may run there holds for the tenant itself, and
 * for nobody below it any more. @returns where those are looked at again.
 */
async function sendBelow(
  context: Context,
  { key, subject }: PathScope,
  changed: readonly CatalogueAllowance[],
): Promise<Room[]> {
  const isBelow = async ({ tenant }: WaitingRow) => tenant !== subject.tenant;
  const doors: Room[] = [];
  for (const { resource, isOwn } of changed) {
    if (key === undefined || subject.pool === null || isOwn) continue;
    doors.push(...(await sendStranded(context, { scope: key, resource: resource.key }, isBelow)));
  }
  return doors;
}

async function recordLimits(
  context: Context,
  { tenant, pool }: Subject,
  operationName: EventName,
  { own }: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): Promise<void> {
  const before = changed.flatMap((after) => sameResource(after, own));
  const where = pool === undefined ? {} : { pool: pool.name };
  await recordEvent(context, {
    operation: operationName,
    tenant: tenant.id,
    object: tenant.id,
    before: { ...where, ...limitRecord(before) },
    after: { ...where, ...limitRecord(changed) },
  });
}

function changesOf(
  { own }: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): ResourceChange[] {
  return changed.map((after) => ({
    resource: after.resource.name,
    before: sameResource(after, own)[0]?.limit ?? null,
    after: after.limit,
  }));
}

/** An event says `unset`, not the default: that may be another one by the time it is read. */
function limitRecord(allowances: readonly CatalogueAllowance[]): Record<string, Limit | 'unset'> {
  return Object.fromEntries(
    allowances.map(({ resource, limit, isOwn }) => [
      limitField(resource.name),
      isOwn ? limit : ('unset' as const),
    ]),
  );
}

function warningsOf(
  changed: readonly CatalogueAllowance[],
  above: readonly AncestorAllowance[],
): LimitWarning[] {
  return changed.flatMap((allowance) => {
    const ancestor = lowerAncestor(allowance, sameResource(allowance, above));
    if (ancestor === undefined) return [];
    const { tenant, pool, limit } = ancestor;
    return [{ resource: allowance.resource.name, tenant, pool, limit }];
  });
}

function toChange(value: SentLimit): LimitChange {
  return typeof value === 'string'
    ? { kind: 'add', delta: Number(value) }
    : { kind: 'set', limit: value };
}
