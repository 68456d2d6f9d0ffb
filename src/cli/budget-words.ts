import { invalid } from '../domain/errors.ts';
import { formatCents, formatMicros, parseMicros } from '../domain/money.ts';
import { MAX_MONTHLY } from '../domain/budget.ts';
import type { BudgetEntryView, BudgetView } from '../service/budget-view.ts';
import { bar, type Listing } from './render.ts';
import { sayMoment } from './words.ts';

/** What something costs, to the hundredth; what is less than one is not made nothing. */
export function sayPrice(micros: number): string {
  const isTiny = micros !== 0 && Math.abs(micros) < 10_000;
  return isTiny ? formatMicros(micros) : formatCents(micros);
}

/** Reads `500`, `12.50` or, where less than nothing is possible, `-12.5`. @throws invalid */
export function toMoney(text: string): number {
  if (text.startsWith('-')) return -parseMicros(text.slice(1), MAX_MONTHLY);
  return parseMicros(text, MAX_MONTHLY);
}

/** From which part on somebody is told, in per cent. */
export type Threshold = number | 'default';

/** Reads `80%`, or `default`: as the config says. @throws invalid */
export function toThreshold(text: string): Threshold {
  if (text === 'default') return text;
  const [, number] = /^(\d{1,3}(?:\.\d{1,4})?)\s?%?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number);
  throw invalid(`A per cent is expected, such as 80%, or default: "${text}"`);
}

/** `500.00 USD a month, told of from 400.00 and 475.00 on, and nothing starts beyond`. */
function sayTerms(budget: BudgetView): string {
  const { currency, on_exceeded: beyond } = budget;
  const [first, second] = [budget.warn_at_micro, budget.critical_at_micro].map(formatCents);
  const end = beyond === 'block' ? 'nothing starts beyond' : 'what is beyond starts all the same';
  const monthly = formatCents(budget.monthly_micro);
  return `${monthly} ${currency} a month, told of from ${first} and ${second} on; ${end}`;
}

/** `462.70 are spent, 31.00 committed, 6.30 left.` */
function sayState(budget: BudgetView): string {
  const { spent_micro: spent, committed_micro: committed, left_micro: left } = budget;
  const rest = left < 0 ? `${formatCents(-left)} too many` : `${formatCents(left)} left`;
  return `${formatCents(spent)} are spent, ${formatCents(committed)} committed, ${rest}.`;
}

export function saySet(budget: BudgetView, isDryRun: boolean): string {
  const { tenant_name: name } = budget;
  const [would, nothing] = isDryRun ? ['Would set ', ' Nothing was changed.'] : ['', ''];
  return `${would}${name}: ${sayTerms(budget)}. ${sayState(budget)}${nothing}`;
}

export function sayEntry(
  budget: BudgetView,
  kind: BudgetEntryView['kind'],
  amount: number,
  isDryRun: boolean,
): string {
  const [would, nothing] = isDryRun ? ['Would be: ', ' Nothing was changed.'] : ['', ''];
  const { tenant_name: name, currency } = budget;
  const what =
    kind === 'credit'
      ? `${name} is credited with ${formatCents(amount)} ${currency}`
      : `what ${name} spent is ${formatCents(Math.abs(amount))} ${currency} ${amount < 0 ? 'less' : 'more'}`;
  return `${would}${what}: of ${formatCents(budget.monthly_micro)}, ${sayState(budget)}${nothing}`;
}

function percentOf({ monthly_micro: monthly, spent_micro: spent }: BudgetView): number {
  return Math.max(0, Math.floor((spent / monthly) * 100));
}

/** `critical; credits 50.00, corrections -12.50` */
function sayNote(budget: BudgetView): string {
  const { level, credits_micro: credits, corrections_micro: corrections } = budget;
  const entries = [
    ...(credits === 0 ? [] : [`credits ${formatCents(credits)}`]),
    ...(corrections === 0 ? [] : [`corrections ${formatCents(corrections)}`]),
  ];
  return [...(level === 'ok' ? [] : [level]), ...entries].join(', ');
}

/** Budgets, a line for each. */
export function budgetListing(hasBar: boolean): Listing<BudgetView> {
  const amount = (header: string, micros: (budget: BudgetView) => number) => ({
    header,
    text: (budget: BudgetView) => formatCents(micros(budget)),
    value: (budget: BudgetView) => micros(budget),
  });
  return {
    name: ({ tenant_name: name }) => name,
    columns: [
      { header: 'TENANT', text: ({ tenant_name: name }) => name },
      {
        ...amount('MONTHLY', (budget) => budget.monthly_micro),
        text: ({ monthly_micro: monthly, currency }) => `${formatCents(monthly)} ${currency}`,
      },
      amount('SPENT', (budget) => budget.spent_micro),
      amount('COMMITTED', (budget) => budget.committed_micro),
      { ...amount('LEFT', (budget) => budget.left_micro), isAlarming: isUsedUp },
      {
        header: 'USE',
        text: (budget) => {
          const percent = percentOf(budget);
          return hasBar ? `${bar(percent)} ${String(percent).padStart(3)} %` : `${percent} %`;
        },
        value: percentOf,
        isAlarming: ({ level }) => level === 'critical' || level === 'exceeded',
      },
      { header: 'BEYOND', text: ({ on_exceeded: beyond }) => beyond },
      { header: 'NOTE', text: sayNote, isDim: true },
    ],
  };
}

function isUsedUp({ left_micro: left }: BudgetView): boolean {
  return left <= 0;
}

/** Credits and corrections, as of a moment in epoch milliseconds. */
export function entryListing(now: number): Listing<BudgetEntryView> {
  return {
    name: ({ time }) => time,
    columns: [
      { header: 'TIME', text: ({ time }) => sayMoment(time, now), value: ({ time }) => time },
      { header: 'KIND', text: ({ kind }) => kind },
      {
        header: 'AMOUNT',
        text: ({ amount_micro: amount }) => formatCents(amount),
        value: ({ amount_micro: amount }) => amount,
      },
      { header: 'WHO', text: ({ principal }) => principal },
      { header: 'REASON', text: ({ reason }) => reason },
    ],
  };
}
