import { formatCents } from '../domain/money.ts';

type State = Readonly<Record<string, unknown>>;

/** What happened to a budget, as its event has it. */
export function sayBudgetChange(verb: string, before: State | null, after: State | null): string {
  if (verb === 'credit') return sayMicro(after?.['amount_micro']);
  if (verb === 'correct') return `${sayMicro(after?.['amount_micro'])} to what was spent`;
  if (verb === 'unset') return `no more ${sayMicro(before?.['monthly_micro'])} a month`;
  if (verb !== 'set') {
    const { spent_micro: spent, monthly_micro: monthly, committed_micro: more } = after ?? {};
    return `${sayMicro(spent)} of ${sayMicro(monthly)} spent, ${sayMicro(more)} committed`;
  }
  const [was, is] = [before === null ? [] : termsOf(before), termsOf(after ?? {})];
  const changed = is.filter((term) => !was.includes(term));
  return changed.join(', ');
}

function termsOf(budget: State): string[] {
  const { monthly_micro: monthly, warn_percent: warn, critical_percent: critical } = budget;
  const threshold = (part: unknown) => (part === null ? 'as configured' : `at ${Number(part)} %`);
  return [
    `${sayMicro(monthly)} a month`,
    `warning ${threshold(warn)}`,
    `critical ${threshold(critical)}`,
    budget['on_exceeded'] === 'block' ? 'blocks' : 'warns',
  ];
}

function sayMicro(micros: unknown): string {
  return formatCents(Number(micros));
}
