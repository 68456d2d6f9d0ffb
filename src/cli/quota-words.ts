import { scopeText } from '../domain/ceiling.ts';
import { formatDuration } from '../domain/duration.ts';
import type { QuotaView } from '../service/quota-view.ts';
import { resourceOfLimitField, usageField } from '../domain/resource.ts';
import { freeOf, overBy } from '../domain/quota.ts';
import { splitAmount } from '../domain/quantity.ts';
import { bar, type Column, type Listing } from './render.ts';
import { isSameUnit, resourceOf, sayAmount, sayField, sayLimit, sayMoment } from './words.ts';

/** One resource of one tenant's quota. */
export interface QuotaRow {
  readonly field: string;
  readonly unit: string;
  readonly limit: number | null;
  /** The limit with what a burst session makes of it for a while. */
  readonly inForce: number | null;
  /** Until when that is so. */
  readonly lentUntil: string | null;
  readonly isUnset: boolean;
  readonly used: number;
  readonly bound:
    | {
        readonly tenant: string | null;
        readonly pool: string | null;
        readonly free: number | null;
      }
    | undefined;
}

export function rowsOf(quota: QuotaView): QuotaRow[] {
  return Object.entries(quota.units).map(([field, unit]) => ({
    field,
    unit,
    limit: quota[field] as number | null,
    inForce: quota.effective[field] ?? (quota[field] as number | null),
    lentUntil: quota.bursts.find(({ resources }) => resources.includes(field))?.ends_at ?? null,
    isUnset: quota.unset.includes(field),
    used: quota.current_usage[usageField(resourceOfLimitField(field))] ?? 0,
    bound: quota.bound_by[field],
  }));
}

/** `4 cores, 8 GiB, 0 GPU, 10 jobs`; of other resources only those that are open. */
export function sayQuota(quota: QuotaView): string {
  const builtIn = new Set(['cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs']);
  return rowsOf(quota)
    .filter(({ field, limit }) => builtIn.has(field) || limit !== 0)
    .map(({ limit, field, unit }) => sayAmount(limit, field, unit))
    .join(', ');
}

/** A note for each limit that is above another one that holds too. */
export function sayLowerAncestor(
  tenant: string,
  ancestor: {
    readonly tenant: string | null;
    readonly pool: string | null;
    readonly limit: number | null;
  },
  own: { readonly field: string; readonly unit: string; readonly limit: number | null },
): string {
  const { field, unit, limit } = own;
  const theirs = sayAmount(ancestor.limit, field, unit);
  const what = unit === 'MiB' ? `${theirs} of ${sayField(field)}` : theirs;
  const ours = limit === null ? 'more' : `all of its ${numberOf(limit, own)}`;
  const who = ancestor.tenant === tenant ? 'everywhere it' : `${scopeText(ancestor)} above it`;
  return `Note: ${who} has ${what}, so ${tenant} cannot use ${ours}.`;
}

export function saysLowerAncestors(quota: QuotaView): string[] {
  return rowsOf(quota).flatMap((row) => {
    const ancestor = quota.bound_by[row.field];
    if (ancestor === undefined || ancestor.limit === null) return [];
    if (row.limit !== null && row.limit <= ancestor.limit) return [];
    return [sayLowerAncestor(quota.tenant_name, ancestor, row)];
  });
}

function numberOf(amount: number, of: { field: string; unit: string }): string {
  return splitAmount(amount, resourceOf(of)).number;
}

function limitUnit(row: QuotaRow): string {
  return row.limit === null ? '' : splitAmount(row.limit, resourceOf(row)).unit;
}

/** An amount beside its limit: without the unit where that is the limit's. */
function beside(row: QuotaRow, amount: number | null): string {
  if (amount === null) return 'unlimited';
  const preferred = limitUnit(row);
  const { number, unit } = splitAmount(amount, resourceOf(row), preferred || undefined);
  return unit === '' || isSameUnit(unit, preferred) ? number : `${number} ${unit}`;
}

function percentOf({ inForce: limit, used }: QuotaRow): number | undefined {
  if (limit === null) return undefined;
  if (limit === 0) return used === 0 ? 0 : undefined;
  // Exact: an amount is below 2^53, and a hundred times that is more than a number holds.
  return Number((BigInt(used) * 100n) / BigInt(limit));
}

function asAllowance(row: QuotaRow) {
  const { limit, inForce, used } = row;
  const resource = { ...resourceOf(row), defaultLimit: null };
  return { resource, limit, inForce, used, isOwn: true };
}

export function isOver(row: QuotaRow): boolean {
  return overBy(asAllowance(row)) > 0;
}

function sayFree(row: QuotaRow): string {
  const allowance = asAllowance(row);
  const over = overBy(allowance);
  if (over === 0) return beside(row, freeOf(allowance));
  return `over by ${sayLimit(over, row.field, row.unit)}`;
}

function sayUse(row: QuotaRow, hasBar: boolean): string {
  const percent = percentOf(row);
  if (percent === undefined) return '-';
  const text = `${String(percent).padStart(hasBar ? 3 : 0)} %`;
  return hasBar ? `${bar(percent)} ${text}` : text;
}

/** `default, 5.6 until 14:30 (12 min left), eng leaves 8` */
function sayNote(row: QuotaRow, lent: string[]): string {
  const { bound, isUnset } = row;
  const notes = [
    ...(isUnset ? ['default'] : []),
    ...lent,
    ...(bound === undefined ? [] : [`${scopeText(bound)} leaves ${beside(row, bound.free)}`]),
  ];
  return notes.join(', ');
}

function sayLent(row: QuotaRow, now: number): string[] {
  const { inForce, lentUntil } = row;
  if (lentUntil === null) return [];
  const left = formatDuration((Date.parse(lentUntil) - now) / 1000);
  return [`${beside(row, inForce)} until ${sayMoment(lentUntil, now)} (${left} left)`];
}

/** In base units, to the millisecond. */
function exactLent({ inForce, lentUntil }: QuotaRow): string[] {
  return lentUntil === null ? [] : [`${inForce ?? 'unlimited'} until ${lentUntil}`];
}

/** One tenant's quota, a line for each resource. */
export function quotaListing(hasBar: boolean, now: number): Listing<QuotaRow> {
  return {
    name: ({ field }) => field,
    columns: [
      { header: 'RESOURCE', text: ({ field }) => sayField(field), value: ({ field }) => field },
      { header: 'LIMIT', text: sayOwnLimit, value: ({ limit }) => limit ?? 'unlimited' },
      { header: 'USED', text: (row) => beside(row, row.used), value: ({ used }) => used },
      {
        header: 'FREE',
        text: sayFree,
        value: (row) => freeOf(asAllowance(row)) ?? 'unlimited',
        isAlarming: isOver,
      },
      {
        header: 'USE',
        text: (row) => sayUse(row, hasBar),
        value: (row) => percentOf(row) ?? null,
        isAlarming: isOver,
      },
      {
        header: 'NOTE',
        text: (row) => sayNote(row, sayLent(row, now)),
        value: (row) => sayNote(row, exactLent(row)),
        isDim: true,
      },
    ],
  };
}

function sayOwnLimit({ limit, field, unit }: QuotaRow): string {
  return sayLimit(limit, field, unit);
}

/** `1.5 of 4 cores`; `5 of 5.6 cores, lent` where that is more than its own. */
export function sayUsedOf(row: QuotaRow): string {
  const { inForce, lentUntil, field, unit } = row;
  const used = beside({ ...row, limit: inForce }, row.used);
  const lent = lentUntil === null ? '' : ', lent';
  return `${used} of ${sayLimit(inForce, field, unit)}${lent}`;
}

/** Several tenants' quotas, a line for each: used of limit. */
export function quotasListing(quotas: readonly QuotaView[]): Listing<QuotaView> {
  const fields = [...new Set(quotas.flatMap(({ units }) => Object.keys(units)))];
  const columns = fields.map((field): Column<QuotaView> => {
    const rowOf = (quota: QuotaView) => rowsOf(quota).find((row) => row.field === field);
    return {
      header: sayField(field).toUpperCase(),
      text: (quota) => {
        const row = rowOf(quota);
        return row === undefined ? '-' : sayUsedOf(row);
      },
      isAlarming: (quota) => {
        const row = rowOf(quota);
        return row !== undefined && isOver(row);
      },
    };
  });
  const name: Column<QuotaView> = { header: 'TENANT', text: ({ tenant_name }) => tenant_name };
  return { name: ({ tenant_name }) => tenant_name, columns: [name, ...columns] };
}
