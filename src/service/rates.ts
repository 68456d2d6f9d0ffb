import { invalid, notFound } from '../domain/errors.ts';
import { BURST_RATE } from '../domain/rate.ts';
import { ADMINS, READERS } from '../domain/role.ts';
import type { RateRow, ResourceRow, Tables } from '../store/store.ts';
import { forgetUses } from './budget-use.ts';
import { recordEvent } from './event-log.ts';
import { nearest } from './nearest.ts';
import { operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { usualRatesOf } from './price-book.ts';
import { rateExample, ratesExample } from './rate-examples.ts';
import { usualViews, viewRate, type RateView } from './rate-view.ts';
import { toInstant } from './schemas/common.ts';
import {
  RateListRequest,
  RateListResponse,
  RateResponse,
  RateSetRequest,
  RateUnsetRequest,
} from './schemas/rate.ts';
import { settingsInForce } from './settings-in-force.ts';

export const listRates = operation({
  name: 'rate.list',
  summary: 'List what use costs: what operators have said, then what the config file says',
  method: 'GET',
  path: '/rates',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: RateListRequest,
  output: RateListResponse,
  example: { input: {}, output: ratesExample },

  async run({ tables, now }, { all }) {
    const { currency } = (await settingsInForce(tables)).costTracking;
    const catalogue = await tables.resources.list();
    const rates = await tables.rates.list();
    const items: RateView[] = [];
    for (const rate of rates) items.push(await viewRate(tables, catalogue, rates, rate, now));
    items.push(...usualViews(catalogue, usualRatesOf(await tables.settings.list()), items));
    const isShown = ({ state, price_micro: price }: RateView) =>
      all || state === 'to_come' || (state === 'in_force' && price !== null);
    const order = [...catalogue.map(({ name }) => name), BURST_RATE];
    const places = new Map(order.map((name, i) => [name, i]));
    const placeOf = ({ resource }: RateView) => places.get(resource) ?? order.length;
    const sorted = items.filter(isShown).sort((a, b) => placeOf(a) - placeOf(b));
    return { currency, items: sorted };
  },
});

export const setRate = operation({
  name: 'rate.set',
  summary: 'Say what one unit of a resource costs for an hour, from a time on',
  method: 'PUT',
  path: '/rates/{resource}',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  requestName: 'RateSetRequest',
  input: RateSetRequest,
  output: RateResponse,
  example: { input: { resource: 'cpu_m', price_micro: 60_000 }, output: rateExample },
  run: (context, { price_micro: price, ...asked }) => change(context, asked, price),
});

export const unsetRate = operation({
  name: 'rate.unset',
  summary:
    'Let the config file, or the rate that holds everywhere, say again what a resource costs',
  method: 'DELETE',
  path: '/rates/{resource}',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  input: RateUnsetRequest,
  output: RateResponse,
  example: { input: { resource: 'cpu_m' }, output: { ...rateExample, price_micro: null } },

  async run(context, asked) {
    const catalogue = await context.tables.resources.list();
    const { resource, pool } = await subjectOf(context.tables, catalogue, asked);
    const rates = await context.tables.rates.list();
    if (!rates.some((rate) => rate.resource === resource && rate.pool === pool)) {
      const where = asked.pool === undefined ? '' : ` in pool ${asked.pool}`;
      throw notFound(`There is no rate of ${asked.resource}${where} to unset.`, LIST);
    }
    return change(context, asked, null);
  },
});

const LIST = 'See which there are: hodei rate list';

interface Asked {
  readonly resource: string;
  readonly pool?: string | undefined;
  readonly from?: string | undefined;
}

async function change(context: Context, asked: Asked, price: number | null): Promise<RateView> {
  const { tables, now } = context;
  const catalogue = await tables.resources.list();
  const subject = await subjectOf(tables, catalogue, asked);
  const beginsAt = await beginOf(context, asked.from);
  const isSame = (rate: RateRow) =>
    rate.resource === subject.resource && rate.pool === subject.pool && rate.beginsAt === beginsAt;
  const before = (await tables.rates.list()).find(isSame);
  if (before === undefined) await tables.rates.insert({ ...subject, beginsAt, price });
  else await tables.rates.update(before.key, price);
  await forgetUses(context);
  await recordEvent(context, {
    operation: price === null ? 'rate.unset' : 'rate.set',
    ...{ tenant: null, object: asked.resource },
    before: before === undefined ? null : { price_micro: before.price },
    after: { pool: asked.pool ?? null, from: toInstant(beginsAt), price_micro: price },
  });
  const rates = await tables.rates.list();
  const saved = rates.find(isSame);
  if (saved === undefined) throw new Error('the rate that was written is not there');
  return viewRate(tables, catalogue, rates, saved, now);
}

async function subjectOf(
  tables: Tables,
  catalogue: readonly ResourceRow[],
  { resource: name, pool }: Asked,
): Promise<Pick<RateRow, 'resource' | 'pool'>> {
  const inPool = pool === undefined ? null : (await findPool(tables, pool)).key;
  if (name === BURST_RATE) return { resource: null, pool: inPool };
  const resource = catalogue.find((each) => each.name === name);
  if (resource !== undefined) return { resource: resource.key, pool: inPool };
  const meant = nearest(name, [...catalogue.map((each) => each.name), BURST_RATE]);
  const hint = meant === undefined ? LIST : `Did you mean ${meant}?`;
  throw invalid(`There is no resource ${name} that could be priced.`, hint);
}

const HOUR = 3_600_000;

/**
 * A rate may begin now, at any time to come, or at a whole hour that has passed, since what was used
 * is summed up by the hour; but not in a time of which jobs are no longer kept.
 */
async function beginOf({ tables, now }: Context, from: string | undefined): Promise<number> {
  if (from === undefined) return now;
  const time = Date.parse(from);
  if (time >= now) return time;
  const { prunedBefore } = await tables.rollup.get();
  const first = Math.ceil(prunedBefore / HOUR) * HOUR;
  if (time < first) {
    const message = `Jobs that ended before ${toInstant(first)} are removed, and their cost is settled.`;
    throw invalid(message, `The earliest that a rate can begin is ${toInstant(first)}.`);
  }
  if (time % HOUR === 0) return time;
  const whole = toInstant(Math.max(first, Math.floor(time / HOUR) * HOUR));
  throw invalid(
    `A rate that begins in the past begins at a whole hour: not ${from}.`,
    `Say ${whole}.`,
  );
}
