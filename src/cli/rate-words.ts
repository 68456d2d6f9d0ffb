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

/**
 * What changes, and from when on: `cpu in pool gpu: 0.05 → 0.06 USD per core-hour, from now on`
 * @param rates all that there were before, also those that are over
 */
export function sayRateChange(
  rate: RateView,
  rates: readonly RateView[],
  currency: string,
  now: number,
): string {
  const { price_micro: price } = rate;
  const when = sayWhen(rate, rates, now);
  if (price === null) return `${subject(rate)} has no rate of its own ${when}`;
  const old = priceBefore(rate, rates) ?? price;
  const from = old === price ? '' : `${sayNumber(rate, old)} → `;
  return `${subject(rate)}: ${from}${sayPrice(rate, currency)}, ${when}`;
}

function priceBefore(rate: RateView, rates: readonly RateView[]): number | null | undefined {
  const until = rates.filter((other) => isOfSame(other, rate) && other.begins_at <= rate.begins_at);
  const own = latest(until.filter(({ source }) => source === 'operator'))?.price_micro ?? null;
  return own ?? latest(until.filter(({ source }) => source === 'config'))?.price_micro;
}

function isOfSame(one: RateView, other: RateView): boolean {
  return one.resource === other.resource && one.pool === other.pool;
}

function latest(rates: readonly RateView[]): RateView | undefined {
  return inOrder(rates).at(-1);
}

function inOrder(rates: readonly RateView[]): RateView[] {
  return [...rates].sort((a, b) => Date.parse(a.begins_at) - Date.parse(b.begins_at));
}

function subject({ resource, pool }: RateView): string {
  const what = spokenName(resource);
  return pool === null ? what : `${what} in pool ${pool}`;
}

const MOMENT_MS = 60_000;

/** What was said for a later time still holds from then on. */
function sayWhen(rate: RateView, rates: readonly RateView[], now: number): string {
  const { begins_at: begins } = rate;
  const isNow = Math.abs(Date.parse(begins) - now) < MOMENT_MS;
  const from = isNow ? 'from now on' : `from ${sayUtc(begins)} on`;
  const later = rates.filter(
    (other) => isOfSame(other, rate) && other.source === 'operator' && other.begins_at > begins,
  );
  const next = inOrder(later)[0];
  return next === undefined ? from : `${from}, until ${sayUtc(next.begins_at)}`;
}
