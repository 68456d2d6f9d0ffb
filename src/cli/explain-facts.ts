import { splitAmount } from '../domain/quantity.ts';
import { sayNeed } from './decision-words.ts';
import type { Explanation, Fact } from './story.ts';
import { isSameUnit, sayMoment } from './words.ts';

export function labelled(label: string, values: readonly string[]): Fact[] {
  return labelledOnce(values.map((value) => ({ label, value })));
}

/** Of facts of one label only the first says it. */
export function labelledOnce<F extends Fact>(facts: readonly F[]): Fact[] {
  return facts.map((fact, i) => (i === 0 ? fact : { ...fact, label: '' }));
}

interface Stand {
  readonly resource: string;
  readonly limit: number | null;
  readonly used: number;
  readonly base?: number | undefined;
  readonly lent_until?: string | undefined;
}

/** `limit 6, used 3.5`; `limit 5.6, lent until 14:30 (4 without), used 5` */
export function sayStand(stand: Stand, units: Explanation['units'], now: number): string {
  const { resource, limit, used } = stand;
  const named = { name: resource, unit: units[resource] ?? 'count' };
  const most = limit === null ? 'unlimited' : splitAmount(limit, named);
  if (most === 'unlimited') return `unlimited, used ${sayNeed(resource, used, units)}`;
  const number = (amount: number) => beside(amount, named, most.unit);
  return `limit ${most.number}${sayLent(stand, number, now)}, used ${number(used)}`;
}

function sayLent({ base, lent_until: until }: Stand, say: (amount: number) => string, now: number) {
  if (base === undefined) return '';
  return `, lent${until === undefined ? '' : ` until ${sayMoment(until, now)}`} (${say(base)} without)`;
}

export function beside(
  amount: number,
  named: { name: string; unit: string },
  preferred: string,
): string {
  const { number, unit } = splitAmount(amount, named, preferred || undefined);
  return unit === '' || isSameUnit(unit, preferred) ? number : `${number} ${unit}`;
}
