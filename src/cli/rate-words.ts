import { BURST_RATE } from '../domain/rate.ts';
import { formatMicros, MICROS } from '../domain/money.ts';
import { spokenName } from '../domain/resource.ts';
import type { RateView } from '../service/rate-view.ts';
import { sayUtc } from './instant.ts';
import type { Column, Format, Listing } from './render.ts';

const resourceColumn: Column<RateView> = {
  header: 'RESOURCE',
  text: ({ resource }) => spokenName(resource),
  value: ({ resource }) => resource,
};
const poolColumn: Column<RateView> = {
  header: 'POOL',
  text: ({ pool }) => pool ?? 'everywhere',
  value: ({ pool }) => pool ?? '',
};
const stateColumn: Column<RateView> = {
  header: 'STATE',
  text: ({ state }) => state.replace('_', ' '),
  value: ({ state }) => state,
};

/** As people read it; as CSV with prices that can be reckoned with. */
export function rateListing(format: Format, currency: string): Listing<RateView> {
  const columns = format === 'csv' ? numberColumns(currency) : wordColumns(currency);
  return { name: ({ resource }) => resource, columns };
}

function wordColumns(currency: string): Column<RateView>[] {
  return [
    resourceColumn,
    poolColumn,
    { header: 'PRICE', text: (rate) => sayPrice(rate, currency) },
    { header: 'FROM', text: ({ begins_at: begins }) => sayUtc(begins) },
    {
      header: 'SAID BY',
      text: ({ source }) => (source === 'config' ? 'config file' : 'operator'),
    },
    stateColumn,
  ];
}

function numberColumns(currency: string): Column<RateView>[] {
  return [
    resourceColumn,
    poolColumn,
    {
      header: 'PRICE',
      text: ({ price_micro: price }) => (price === null ? '' : formatMicros(price)),
    },
    {
      header: 'CURRENCY',
      text: ({ resource }) => (resource === BURST_RATE ? '' : currency),
    },
    { header: 'PER', text: ({ per }) => per },
    { header: 'BEGINS AT', text: ({ begins_at: begins }) => begins },
    { header: 'SOURCE', text: ({ source }) => source },
    stateColumn,
  ];
}

type Priced = Pick<RateView, 'resource' | 'per' | 'price_micro'>;

/** `0.05 USD per core-hour`, `1.5 times` */
export function sayPrice(rate: Priced, currency: string): string {
  const { price_micro: price } = rate;
  if (price === null) return 'unset';
  return `${sayNumber(rate, price)}${sayUnit(rate, currency)}`;
}

function sayNumber({ resource }: Priced, price: number): string {
  return resource === BURST_RATE ? String(price / MICROS) : formatMicros(price);
}

function sayUnit({ resource, per }: Priced, currency: string): string {
  if (resource === BURST_RATE) return ' times';
  return ` ${currency} per ${per === 'one' ? sayOne(resource) : per}-hour`;
}

function sayOne(resource: string): string {
  return resource === 'gpu' ? 'GPU' : spokenName(resource).replace(/s$/, '');
}

/** What changes, and from when on: `cpu in pool gpu: 0.05 → 0.06 USD per core-hour, from now on` */
export function sayRateChange(
  rate: RateView,
  before: RateView | undefined,
  currency: string,
  now: number,
): string {
  const { price_micro: price, begins_at: begins } = rate;
  const when = sayFrom(begins, now);
  if (price === null) return `${subject(rate)} has no rate of its own ${when}`;
  const old = before?.price_micro ?? price;
  const from = old === price ? '' : `${sayNumber(rate, old)} → `;
  return `${subject(rate)}: ${from}${sayPrice(rate, currency)}, ${when}`;
}

function subject({ resource, pool }: RateView): string {
  const what = spokenName(resource);
  return pool === null ? what : `${what} in pool ${pool}`;
}

const MOMENT_MS = 60_000;

function sayFrom(begins: string, now: number): string {
  const isNow = Math.abs(Date.parse(begins) - now) < MOMENT_MS;
  return isNow ? 'from now on' : `from ${sayUtc(begins)} on`;
}
