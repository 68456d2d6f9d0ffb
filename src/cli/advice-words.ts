import { formatAmount } from '../domain/quantity.ts';
import { spokenName } from '../domain/resource.ts';
import type { Advice, LowerAdvice, RaiseAdvice } from '../service/advice.ts';
import type { Column, Listing } from './render.ts';
import { count, sayTime } from './words.ts';

/** One limit that should be another. */
export type AdviceRow =
  (RaiseAdvice & { readonly kind: 'raise' }) | (LowerAdvice & { readonly kind: 'lower' });

/** What is too low first: there somebody waits. */
export function rowsOf({ raise, lower }: Advice): AdviceRow[] {
  return [
    ...raise.map((row) => ({ ...row, kind: 'raise' as const })),
    ...lower.map((row) => ({ ...row, kind: 'lower' as const })),
  ];
}

/** @param hasPools whether the pool has a column: for people only where there is one */
export const adviceListing = (hasPools: boolean): Listing<AdviceRow> => ({
  name: ({ command }) => command,
  columns: [
    { header: 'TENANT', text: ({ tenant }) => tenant },
    ...(hasPools ? [poolColumn] : []),
    {
      header: 'RESOURCE',
      text: ({ resource }) => spokenName(resource),
      value: ({ resource }) => resource,
    },
    { header: 'LIMIT', text: (row) => sayOf(row, row.limit), value: ({ limit }) => limit },
    {
      header: 'ADVISED',
      text: (row) => sayOf(row, row.advised),
      value: ({ advised }) => advised,
    },
    { header: 'WHY', text: sayWhy },
    { header: 'COMMAND', text: ({ command }) => command, isWhole: true },
  ],
});

const poolColumn: Column<AdviceRow> = {
  header: 'POOL',
  text: ({ pool }) => pool ?? '-',
  value: ({ pool }) => pool,
};

function sayOf({ resource: name, unit }: AdviceRow, amount: number): string {
  return formatAmount(amount, { name, unit });
}

function sayWhy(row: AdviceRow): string {
  if (row.kind === 'lower') {
    const lacked = row.lacked === 0 ? '' : `, and ${sayOf(row, row.lacked)} did not fit elsewhere`;
    return `peak ${sayOf(row, row.peak)}${lacked}; frees ${sayOf(row, row.frees)}`;
  }
  const { times, would_fit: fits, bound_by: bound, also_lacked: also } = row;
  const would = fits === times ? 'all would' : `${fits} would`;
  const parts = [`${count(times, 'request')} did not fit, ${would}`];
  if (bound !== null) {
    parts.push(`${sayWhere(bound.tenant, bound.pool)} still has only ${sayOf(row, bound.limit)}`);
  }
  if (also !== null) {
    parts.push(
      `most lacked ${spokenName(also.resource)} of ${sayWhere(also.tenant, also.pool)} too`,
    );
  }
  return parts.join('; ');
}

function sayWhere(tenant: string | null, pool: string | null): string {
  if (tenant === null) return `pool ${pool}`;
  return pool === null ? tenant : `${tenant} in pool ${pool}`;
}

/** What is to be known beside the rows. */
export function notesOf(advice: Advice): string[] {
  const { from, raise, lower, is_shortened: isShortened, too_new: tooNew } = advice;
  const notes: string[] = [];
  if (raise.length + lower.length === 0) {
    notes.push(
      `Nothing to advise: since ${sayTime(from)} no limit was often too low or far too high.`,
    );
  }
  if (isShortened)
    notes.push(`Jobs that ended before ${sayTime(from)} are removed: it begins there.`);
  if (tooNew > 0) {
    notes.push(
      `${count(tooNew, 'tenant')} of less than that age: their limits are not lowered (--last 1d looks at less).`,
    );
  }
  const left = advice.raise_in_all - raise.length + advice.lower_in_all - lower.length;
  if (left > 0) notes.push(`There are ${left} more: --limit.`);
  return notes;
}
