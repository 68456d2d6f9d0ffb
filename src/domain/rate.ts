import { kindOf } from './job.ts';
import { MICROS, type Micros } from './money.ts';
import { dimensionOf } from './resource.ts';

/** How the burst multiplier is called where a resource could stand. */
export const BURST_RATE = 'burst';

/** Of what a price is: of one core, one GiB, or one of what is counted. */
export function pricedAs(resource: { readonly unit: string } | undefined): string {
  if (resource === undefined) return 'times';
  const dimension = dimensionOf(resource);
  if (dimension === 'cpu') return 'core';
  if (dimension === 'memory') return 'GiB';
  return resource.unit === 'count' ? 'one' : resource.unit;
}

/** What an hour of one unit costs from a time on, as an operator said it. */
export interface Rate {
  /** Name of the resource; null: how many times as much a use under a burst session costs. */
  readonly resource: string | null;
  /** Null: everywhere. */
  readonly pool: number | null;
  readonly beginsAt: number;
  /** Null: from then on it is as the config file says. */
  readonly price: Micros | null;
}

/** The prices of the config file, as they were from a time on. */
export interface UsualRates {
  readonly beginsAt: number;
  /** By name of resource. */
  readonly prices: Readonly<Record<string, Micros>>;
  readonly burstMultiplier: Micros;
}

/** Which price holds, and who said so. */
export interface Price {
  readonly price: Micros;
  readonly from: 'operator' | 'config' | 'nobody';
}

const none: Price = { price: 0, from: 'nobody' };

/** All prices of all times. */
export class PriceBook {
  readonly #rates: readonly Rate[];
  readonly #usual: readonly UsualRates[];

  /** @param rates and @param usual in order of time */
  constructor(rates: readonly Rate[], usual: readonly UsualRates[]) {
    this.#rates = rates;
    this.#usual = usual;
  }

  /** When any price changes, in order. */
  get changes(): number[] {
    const changes = [...this.#usual, ...this.#rates].map(({ beginsAt }) => beginsAt);
    return [...new Set(changes)].sort((a, b) => a - b);
  }

  /** What was said of a resource itself; a pool's own price precedes, then what holds everywhere. */
  ownPrice(time: number, resource: string, pool: number | null): Price | undefined {
    const said = this.#saidOf(time, resource, pool);
    if (said !== undefined) return { price: said, from: 'operator' };
    const usual = this.#usualAt(time)?.prices[resource];
    return usual === undefined ? undefined : { price: usual, from: 'config' };
  }

  /** The price of one unit: its own, or where it has none that of what it is a kind of. */
  price(time: number, resource: string, pool: number | null): Price {
    const own = this.ownPrice(time, resource, pool);
    const parent = kindOf(resource);
    return own ?? (parent === undefined ? none : this.price(time, parent, pool));
  }

  /**
   * What a unit adds to the price of what it is a kind of: a job that holds one `gpu.h100` holds one
   * `gpu` with it, and pays for both together what an h100 costs. Below zero for a cheaper kind.
   */
  surcharge(time: number, resource: string, pool: number | null): Micros {
    const parent = kindOf(resource);
    const own = this.ownPrice(time, resource, pool);
    if (own === undefined) return 0;
    return own.price - (parent === undefined ? 0 : this.price(time, parent, pool).price);
  }

  /** How many times as much a use under a burst session costs. */
  burstMultiplier(time: number, pool: number | null): Price {
    const said = this.#saidOf(time, null, pool);
    if (said !== undefined) return { price: said, from: 'operator' };
    const usual = this.#usualAt(time)?.burstMultiplier;
    return usual === undefined
      ? { price: MICROS, from: 'nobody' }
      : { price: usual, from: 'config' };
  }

  #saidOf(time: number, resource: string | null, pool: number | null): Micros | undefined {
    const latest = (inPool: number | null) =>
      this.#rates.findLast((rate) => {
        return rate.beginsAt <= time && rate.resource === resource && rate.pool === inPool;
      })?.price ?? undefined;
    return (pool === null ? undefined : latest(pool)) ?? latest(null);
  }

  /** Of the time before the first file what the first says. */
  #usualAt(time: number): UsualRates | undefined {
    return this.#usual.findLast(({ beginsAt }) => beginsAt <= time) ?? this.#usual[0];
  }
}
