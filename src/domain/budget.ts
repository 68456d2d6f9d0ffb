import { MICROS, moneyOf, type Micros, type Money } from './money.ts';

/** What becomes of a request that a budget would be overrun by. */
export const onExceeded = ['warn', 'block'] as const;

export type OnExceeded = (typeof onExceeded)[number];

/** A credit is money that need not be paid; a correction adds to what was spent, or takes from it. */
export const entryKinds = ['credit', 'correction'] as const;

export type EntryKind = (typeof entryKinds)[number];

/** How far a budget can be spent, the lowest first. */
export const budgetLevels = ['warning', 'critical', 'exceeded'] as const;

export type BudgetLevel = (typeof budgetLevels)[number];

/** Beyond so much a sum would not be told exactly. */
export const MAX_MONTHLY: Micros = 1_000_000_000 * MICROS;

/** From which parts of a budget somebody is told, in millionths. */
export interface Thresholds {
  readonly warning: Micros;
  readonly critical: Micros;
}

/** A budget's own thresholds, or else those of the config; critical never comes before the warning. */
export function thresholdsOf(
  own: { readonly warning: Micros | null; readonly critical: Micros | null },
  usual: { readonly warning: number; readonly critical: number },
): Thresholds {
  const warning = own.warning ?? Math.round(usual.warning * MICROS);
  const critical = own.critical ?? Math.round(usual.critical * MICROS);
  return { warning, critical: Math.max(warning, critical) };
}

/** From which sum each level is reached; exact, in millionths of money. */
function partsOf({ warning, critical }: Thresholds): readonly Micros[] {
  return [warning, critical, MICROS];
}

/** How many levels so much money reaches. */
export function levelsReached(spent: Money, monthly: Micros, thresholds: Thresholds): number {
  const reached = partsOf(thresholds).filter(
    (part) => spent * BigInt(MICROS) >= moneyOf(monthly) * BigInt(part),
  );
  return reached.length;
}

/** What an entry adds to what was spent. */
export function effectOf(kind: EntryKind, amount: Micros): Micros {
  return kind === 'credit' ? -amount : amount;
}

/** What of a running job says until when it is to be paid for. */
export interface Committed {
  readonly dueAt: number | null;
  readonly isClaimDue: boolean;
  readonly admittedAt: number | null;
  readonly ttlSeconds: number | null;
}

/**
 * Until when a running job will hold what it holds, as far as is known: until its lease ends, or for
 * ever. One that was promoted is claimed soon, or freed: whoever claims it has the whole lease.
 */
export function committedUntil({ dueAt, isClaimDue, admittedAt, ttlSeconds }: Committed): number {
  if (!isClaimDue) return dueAt ?? Infinity;
  if (ttlSeconds === null) return Infinity;
  return Math.max(dueAt ?? 0, (admittedAt ?? 0) + ttlSeconds * 1000);
}
