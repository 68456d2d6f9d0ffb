import * as z from 'zod';
import { MAX_PRICE } from '../../domain/money.ts';
import { lazy } from '../operation.ts';
import { instant, queryBoolean, someTime } from './common.ts';
import { poolReference } from './pool.ts';

const whatIsPriced = lazy(() => ({
  resource: z
    .string()
    .min(1)
    .max(63)
    .describe('Name of a resource, or burst: how many times as much a use under a session costs.')
    .meta({ example: 'cpu_m' }),
  pool: poolReference().optional().describe('Only in this pool; else everywhere.'),
  from: someTime()
    .optional()
    .describe('From when on: by default now; a time that has passed is a whole hour.'),
}));

export const RateSetRequest = lazy(() =>
  z.strictObject({
    ...whatIsPriced(),
    price_micro: z
      .int()
      .min(0)
      .max(MAX_PRICE)
      .describe('What one unit costs for an hour, in millionths; of burst, times a million.')
      .meta({ example: 50_000 }),
  }),
);

export const RateUnsetRequest = lazy(() => z.strictObject({ ...whatIsPriced() }));

export const RateListRequest = lazy(() =>
  z.strictObject({
    all: queryBoolean().default(false).describe('Also those that hold no more.'),
  }),
);

export const RateResponse = lazy(() =>
  z
    .strictObject({
      resource: z.string(),
      pool: z.string().nullable().describe('Null: everywhere.'),
      price_micro: z
        .int()
        .nullable()
        .describe('Null: from then on it is as the config file, or another rate, says.'),
      per: z.string().describe('The unit that is priced: core, GiB, one; times for burst.'),
      source: z.enum(['operator', 'config']),
      begins_at: instant(),
      state: z
        .enum(['in_force', 'to_come', 'over', 'covered'])
        .describe('covered: a config file says it, and an operator says something else.'),
    })
    .meta({ id: 'RateResponse' }),
);

export const RateListResponse = lazy(() =>
  z
    .strictObject({ currency: z.string(), items: z.array(RateResponse()) })
    .meta({ id: 'RateListResponse' }),
);
