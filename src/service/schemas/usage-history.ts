import * as z from 'zod';
import { lazy } from '../operation.ts';
import { instant, queryInteger, tenantReference } from './common.ts';
import { periodInput } from './cost.ts';
import { poolReference } from './pool.ts';

/** A chart wider than this is not looked at. */
const MAX_POINTS = 1_000;

export const UsageHistoryInput = lazy(() => {
  const { month } = periodInput();
  return z.strictObject({
    tenant: tenantReference()
      .optional()
      .describe('With everything that stood below it; without it all that was used.'),
    resource: z
      .string()
      .min(1)
      .max(64)
      .default('cpu_m')
      .describe('What was used: the name of a resource.'),
    pool: poolReference().optional().describe('Only what was used in this pool.'),
    ...periodInput(),
    month: month.describe('A month of the calendar, UTC; where no time is given, the last 7 days.'),
    points: queryInteger(1, MAX_POINTS)
      .default(60)
      .describe('At most so many points of the series, each of the same number of hours.'),
  });
});

const share = lazy(() =>
  z.number().nullable().describe('Of the limit; null where there is none, or it is 0.'),
);

export const UsageHistoryResponse = lazy(() =>
  z
    .strictObject({
      tenant: z.string().nullable().describe('Null: all that was used.'),
      tenant_id: z.string().nullable(),
      pool: z.string().nullable().describe('Null: everywhere.'),
      resource: z.string(),
      unit: z.string(),
      from: instant(),
      to: instant().describe('Now, where the time that was asked for is not over.'),
      limit: z
        .int()
        .nullable()
        .describe('In force now: of the tenant; the lower one of that in the pool; null: none.'),
      average: z.number(),
      average_share: share(),
      peak: z.number().describe('The most that was used at one time.'),
      peak_at: instant().nullable().describe('When first; null where nothing was used.'),
      peak_share: share(),
      p95: z.number().describe('The least amount that was not exceeded during 95 % of the time.'),
      p95_share: share(),
      unit_hours: z.number().describe('Core-hours, GiB-hours, hours of one of it.'),
      from_hourly_averages: z
        .boolean()
        .describe('Whether peak and p95 come from averages of hours, as far as jobs were removed.'),
      exact_from: instant().describe('From here on each job is known.'),
      point_hours: z.int(),
      points: z.array(
        z.strictObject({ begins_at: instant(), average: z.number(), peak: z.number() }),
      ),
    })
    .meta({ id: 'UsageHistoryResponse' }),
);
