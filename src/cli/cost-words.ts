import { formatMicros } from '../domain/money.ts';
import { monthOf } from '../domain/period.ts';
import type { CostReport, CostRow } from '../service/cost-rows.ts';
import { sayUtc } from './instant.ts';
import type { Column, Format, Listing } from './render.ts';

/** A row, or its part in one period. */
export interface CostCell {
  readonly row: CostRow;
  readonly begins: string;
  readonly cost: number;
}

/** A cell for each row; as CSV one for each period of it, where these were asked for. */
export function cellsOf({ from, periods, rows }: CostReport, format: Format): CostCell[] {
  if (format !== 'csv' || periods.length === 0) {
    return rows.map((row) => ({ row, begins: from, cost: row.cost_micro }));
  }
  return rows.flatMap((row) =>
    periods.map(({ begins_at: begins }, i) => ({ row, begins, cost: row.periods[i] ?? 0 })),
  );
}

/** For programs: exact amounts, no charts. */
export function costListing(report: CostReport, format: Format): Listing<CostCell> {
  const { group } = report;
  const columns = format === 'csv' ? numberColumns(report) : wordColumns(report);
  // What a name does not find, an id does.
  const isFoundById = ({ kind }: CostRow) => group === 'job' || kind === 'deleted';
  const name = ({ row }: CostCell) => (isFoundById(row) ? (row.id ?? row.name) : row.name);
  return { name, columns };
}

function wordColumns({ group, total_micro: total }: CostReport): Column<CostCell>[] {
  return [
    { header: 'NAME', text: ({ row }) => sayRow(row, group) },
    { header: 'COST', text: ({ cost }) => formatMicros(cost) },
    { header: 'SHARE', text: ({ cost }) => sayShare(cost, total) },
  ];
}

function numberColumns(report: CostReport): Column<CostCell>[] {
  const { group, currency, periods, rows } = report;
  const isTree = rows.some(({ depth }) => depth !== undefined);
  const resources = periods.length > 0 ? [] : resourcesOf(report);
  return [
    { header: 'NAME', text: ({ row }) => row.name },
    ...(group === 'job' ? [{ header: 'TENANT', text: tenantOf }] : []),
    { header: 'ID', text: ({ row }) => row.id ?? '' },
    { header: 'KIND', text: ({ row }) => row.kind },
    ...(isTree ? [{ header: 'DEPTH', text: ({ row }: CostCell) => String(row.depth ?? 0) }] : []),
    { header: 'BEGINS AT', text: ({ begins }) => begins },
    { header: 'COST', text: ({ cost }) => formatMicros(cost) },
    { header: 'CURRENCY', text: () => currency },
    ...resources.flatMap(partColumns),
  ];
}

function tenantOf({ row }: CostCell): string {
  return row.tenant ?? '';
}

function partColumns(resource: string): Column<CostCell>[] {
  return [
    {
      header: `${resource}_COST`,
      text: ({ row }) => formatMicros(row.resources[resource]?.cost_micro ?? 0),
    },
    {
      header: `${resource}_UNIT_HOURS`,
      text: ({ row }) => String(row.resources[resource]?.unit_hours ?? 0),
    },
  ];
}

/** Every resource that was used, those that are everywhere first. */
export function resourcesOf({ rows }: CostReport): string[] {
  const used = new Set(rows.flatMap(({ resources }) => Object.keys(resources)));
  const usual = ['cpu_m', 'memory_mb', 'gpu'].filter((name) => used.has(name));
  return [...new Set([...usual, ...[...used].sort()])];
}

/** What a row is about, also where it has no name. */
export function sayRow(row: CostRow, group: string): string {
  const { name, kind, id, tenant, depth = 0 } = row;
  const indent = '  '.repeat(depth);
  if (kind === 'deleted') return `${indent}${name} (deleted)`;
  if (kind === 'unlabelled') return `(no label ${labelOf(group)})`;
  if (kind === 'pruned') return '(removed jobs)';
  if (kind === 'moved_away') return `${indent}(moved away)`;
  // As every command takes it that is about a job.
  return tenant === undefined || name === id ? `${indent}${name}` : `${tenant}:${name}`;
}

/** What the rows are, over their names. */
export function sayGroup(group: string): string {
  return (group.startsWith('label:') ? labelOf(group) : group).toUpperCase();
}

function labelOf(group: string): string {
  return group.slice('label:'.length);
}

/** `42 %`, `<1 %` */
export function sayShare(cost: number, total: number): string {
  if (total <= 0) return '-';
  const percent = (100 * cost) / total;
  return percent > 0 && percent < 0.5 ? '<1 %' : `${Math.round(percent)} %`;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `November 2026 so far`, `2026-11-01 to 2026-11-14`, `2026-11-23 08:00 UTC until now` */
export function sayRange({ from, to }: Pick<CostReport, 'from' | 'to'>, now: number): string {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const month = monthOf(start);
  const soFar = end > now ? ' so far' : '';
  if (month.from === start && month.to === end) return `${sayMonth(start)}${soFar}`;
  // It goes on to the end of the hour in which it is asked for.
  if (end > now && end - now <= HOUR) return `${sayUtc(from)} until now`;
  if (start % DAY !== 0 || end % DAY !== 0) return `${sayUtc(from)} to ${sayUtc(to)}${soFar}`;
  const last = sayUtc(new Date(end - DAY).toISOString());
  return end - start === DAY ? `${last}${soFar}` : `${sayUtc(from)} to ${last}${soFar}`;
}

function sayMonth(time: number): string {
  const words = { month: 'long', year: 'numeric', timeZone: 'UTC' } as const;
  return new Date(time).toLocaleDateString('en-US', words);
}
