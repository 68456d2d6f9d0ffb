import { pricedUnit } from './money.ts';
import { printQuantity } from './quantity.ts';
import { MAX_AMOUNT, spokenName, type Resource } from './resource.ts';

type Of = Pick<Resource, 'name' | 'unit'>;

/** A limit is far above its use where it is more than so many times the peak. */
export const FAR_ABOVE = 1.5;
/** So much of the peak is left as room above it. */
export const ROOM = 0.25;
/** What would free less than this of the limit is not worth a change. */
export const LEAST_FREED = 0.2;
/** Refused less often than this in the time, a tenant is not often refused. */
export const OFTEN = 10;
/** So many of the refused requests shall fit. */
export const LET_THROUGH = 0.9;

/** About so many steps make a limit, so that it is a number that people would have chosen. */
const STEPS = 20;

/** Up to the next whole core, GiB or piece; of large amounts to the next 2, 5, 10, 20 … of these. */
export function roundUp(amount: number, resource: Of): number {
  const unit = pricedUnit(resource);
  const most = amount / unit / STEPS;
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))));
  const factor = [5, 2].find((each) => each * power <= most) ?? 1;
  const step = unit * factor * power;
  return Math.min(MAX_AMOUNT, Math.ceil(amount / step) * step);
}

/** A limit and what was ever needed of it. */
export interface Need {
  readonly limit: number;
  /** The most that was used at one time, with what was asked for and did not fit. */
  readonly peak: number;
  /** What the limit must not fall below. */
  readonly floor: number;
}

/** The limit that would do, which is never none: a job can still try. Undefined where the present one is not far above its peak. */
export function lowerLimit({ limit, peak, floor }: Need, resource: Of): number | undefined {
  if (limit <= peak * FAR_ABOVE) return undefined;
  const enough = roundUp(Math.max(Math.ceil(peak * (1 + ROOM)), floor, 1), resource);
  const freed = limit - enough;
  return freed >= Math.max(pricedUnit(resource), limit * LEAST_FREED) ? enough : undefined;
}

/**
 * The smallest limit at which enough of the refused requests would have fitted.
 * @param needs how often so much was needed: what was used with what was asked for
 */
export function higherLimit(needs: ReadonlyMap<number, number>, resource: Of): number {
  const inOrder = [...needs].sort(([a], [b]) => a - b);
  const times = inOrder.reduce((sum, [, each]) => sum + each, 0);
  let fitted = 0;
  for (const [need, each] of inOrder) {
    fitted += each;
    if (fitted >= times * LET_THROUGH) return roundUp(need, resource);
  }
  return 0;
}

/** How many of the refused requests would have fitted under a limit. */
export function fittedUnder(limit: number, needs: ReadonlyMap<number, number>): number {
  let fitted = 0;
  for (const [need, times] of needs) if (need <= limit) fitted += times;
  return fitted;
}

const WITH_FLAGS = new Set(['cpu', 'memory', 'gpu', 'jobs']);

/** What one types to set a limit. */
export function quotaCommand(tenant: string, pool: string | null, of: Of, limit: number): string {
  const word = spokenName(of.name);
  const value = WITH_FLAGS.has(word)
    ? `--${word} ${printQuantity(limit, of)}`
    : `--set ${of.name}=${limit}`;
  return `hodei quota set ${tenant} ${pool === null ? '' : `--pool ${pool} `}${value}`;
}
