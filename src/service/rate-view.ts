import type * as z from 'zod';
import { BURST_RATE, pricedAs, type UsualRates } from '../domain/rate.ts';
import type { Key, RateRow, ResourceRow, Tables } from '../store/store.ts';
import { existingPool } from './pool-lookup.ts';
import { toInstant } from './schemas/common.ts';
import type { RateResponse } from './schemas/rate.ts';

export type RateView = z.output<ReturnType<typeof RateResponse>>;

/** A rate, and whether it holds now. */
export async function viewRate(
  tables: Tables,
  catalogue: readonly ResourceRow[],
  rates: readonly RateRow[],
  rate: RateRow,
  now: number,
): Promise<RateView> {
  const resource = catalogue.find(({ key }) => key === rate.resource);
  return {
    resource: resource?.name ?? BURST_RATE,
    pool: rate.pool === null ? null : await poolName(tables, rate.pool),
    price_micro: rate.price,
    per: pricedAs(resource),
    source: 'operator',
    begins_at: toInstant(rate.beginsAt),
    state: stateOf(rates, rate, now),
  };
}

async function poolName(tables: Tables, key: Key): Promise<string> {
  return (await existingPool(tables, key)).name;
}

function stateOf(rates: readonly RateRow[], rate: RateRow, now: number): RateView['state'] {
  if (rate.beginsAt > now) return 'to_come';
  const latest = rates.findLast(
    ({ resource, pool, beginsAt }) =>
      resource === rate.resource && pool === rate.pool && beginsAt <= now,
  );
  return latest?.key === rate.key ? 'in_force' : 'over';
}

/** What the config files said, as far as it changed. */
export function usualViews(
  catalogue: readonly ResourceRow[],
  usual: readonly UsualRates[],
  said: readonly RateView[],
): RateView[] {
  const isCovered = (name: string) =>
    said.some(
      ({ resource, pool, state, price_micro: price }) =>
        resource === name && pool === null && state === 'in_force' && price !== null,
    );
  return usual.flatMap(({ beginsAt, prices, burstMultiplier }, i) =>
    [...Object.entries(prices), [BURST_RATE, burstMultiplier] as const].map(
      ([resource, price]): RateView => {
        const inForce = isCovered(resource) ? 'covered' : 'in_force';
        return {
          ...{ resource, pool: null, price_micro: price, source: 'config' },
          per: pricedAs(catalogue.find(({ name }) => name === resource)),
          begins_at: toInstant(beginsAt),
          state: i === usual.length - 1 ? inForce : 'over',
        };
      },
    ),
  );
}
