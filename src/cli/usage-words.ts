import { scopeText } from '../domain/ceiling.ts';
import { limitField, spokenName } from '../domain/resource.ts';
import type { UsageView } from '../service/usage-view.ts';
import type { Verification } from '../service/usage-verification.ts';
import { isOver, sayUsedOf, type QuotaRow } from './quota-words.ts';
import type { Column, Format, Listing } from './render.ts';
import { count, sayDuration, sayLimit } from './words.ts';

/** What a tenant holds everywhere; with a pool what it holds there, which has no limits of its own. */
export type UsageRow = UsageView & { readonly pool?: string };

/** The part in each pool, a row each. */
export function poolRowsOf(usage: UsageView): UsageRow[] {
  return usage.pools.map(({ pool, used }) => ({ ...usage, pool, total: used, limits: {} }));
}

export const tenantColumn: Column<UsageRow> = {
  header: 'TENANT',
  text: ({ tenant, depth }) => `${'  '.repeat(depth ?? 0)}${tenant}`,
  value: ({ tenant }) => tenant,
};

export const poolColumn: Column<UsageRow> = {
  header: 'POOL',
  text: ({ pool }) => pool ?? '-',
  value: ({ pool }) => pool ?? '',
};

/** Used of limit, a column for each resource; as CSV both as numbers, in columns of their own. */
export function usageListing(
  format: Format,
  first: readonly Column<UsageRow>[],
  rows: readonly UsageRow[],
): Listing<UsageRow> {
  const resources = [...new Set(rows.flatMap(({ units }) => Object.keys(units)))];
  const columnsOf = format === 'csv' ? numberColumns : (resource: string) => [useColumn(resource)];
  return { name: ({ tenant }) => tenant, columns: [...first, ...resources.flatMap(columnsOf)] };
}

function useColumn(resource: string): Column<UsageRow> {
  const rowOf = (usage: UsageRow) => quotaRowOf(usage, resource);
  return {
    header: spokenName(resource).toUpperCase(),
    text: (usage) => {
      const row = rowOf(usage);
      return usage.pool === undefined ? sayUsedOf(row) : sayLimit(row.used, row.field, row.unit);
    },
    isAlarming: (usage) => usage.pool === undefined && isOver(rowOf(usage)),
  };
}

function quotaRowOf({ total, limits, units }: UsageRow, resource: string): QuotaRow {
  return {
    field: limitField(resource),
    unit: units[resource] ?? 'count',
    limit: limits[resource] ?? null,
    inForce: limits[resource] ?? null,
    lentUntil: null,
    used: total[resource] ?? 0,
    isUnset: false,
    bound: undefined,
  };
}

function numberColumns(resource: string): Column<UsageRow>[] {
  const used = ({ total }: UsageRow) => total[resource] ?? 0;
  const limit = ({ limits, pool }: UsageRow) =>
    pool === undefined ? (limits[resource] ?? 'unlimited') : '';
  return [
    { header: resource, text: (row) => String(used(row)), value: used },
    { header: `${resource}_limit`, text: (row) => String(limit(row)), value: limit },
  ];
}

type Difference = Verification['differences'][number];

/** `acme in pool gpu: gpu is 4 and should be 3` */
export function sayDifference({ resource, ...of }: Difference, { units }: Verification): string {
  const say = (amount: number) =>
    sayLimit(amount, limitField(resource), units[resource] ?? 'count');
  const verb = resource === 'jobs' ? 'are' : 'is';
  const what = `${spokenName(resource)} ${verb} ${say(of.used)}`;
  return `${scopeText(of)}: ${what} and should be ${say(of.should_be)}`;
}

/** The differences that are listed, a line each, and how many are not. */
export function sayDifferences(found: Verification): string[] {
  const unlisted = found.differences_in_all - found.differences.length;
  return [
    ...found.differences.map((difference) => sayDifference(difference, found)),
    ...(unlisted === 0 ? [] : [`and ${count(unlisted, 'other')}`]),
  ];
}

/** `212 balances of 1,204 live jobs agree. Checked 1,416 rows in 38 ms.` */
export function sayAgreement({ balances, jobs, rows }: Verification, milliseconds: number): string {
  const agree = balances === 1 ? 'agrees' : 'agree';
  const what = `${count(balances, 'balance')} of ${count(jobs, 'live job')} ${agree}`;
  return `${what}. Checked ${count(rows, 'row')} in ${sayDuration(milliseconds)}.`;
}

/** `2 of 212 balances differ` */
export function sayDiffering(differences: number, balances: number): string {
  const of = `${differences.toLocaleString('en-US')} of ${count(balances, 'balance')}`;
  return `${of} ${differences === 1 ? 'differs' : 'differ'}`;
}

export const differencesListing: Listing<Difference> = {
  name: ({ tenant, pool }) => tenant ?? pool ?? '',
  columns: [
    { header: 'TENANT', text: ({ tenant }) => tenant ?? '', value: ({ tenant }) => tenant },
    { header: 'POOL', text: ({ pool }) => pool ?? '', value: ({ pool }) => pool },
    { header: 'RESOURCE', text: ({ resource }) => resource },
    { header: 'USED', text: ({ used }) => String(used), value: ({ used }) => used },
    {
      header: 'SHOULD BE',
      text: ({ should_be: shouldBe }) => String(shouldBe),
      value: ({ should_be: shouldBe }) => shouldBe,
    },
  ],
};
