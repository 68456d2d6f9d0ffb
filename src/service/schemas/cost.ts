import * as z from 'zod';
import { calendarUnits } from '../../domain/period.ts';
import { lazy } from '../operation.ts';
import { instant, queryBoolean, queryInteger, someTime, tenantReference } from './common.ts';
import { poolReference } from './pool.ts';

/** Most rows of one answer. */
export const MAX_COST_ROWS = 10_000;

const GROUP = /^(tenant|pool|job|label:.{1,63})$/u;

/** Which time is asked about. */
export const periodInput = lazy(() => ({
  month: z
    .string()
    .max(20)
    .optional()
    .describe('A month of the calendar, UTC; where no time is given, the present one.')
    .meta({ example: '2026-11' }),
  last: z.string().max(40).optional().describe('The last 30d, 12h: whole hours, up to now.'),
  from: someTime().optional().describe('From this time on: a whole hour.'),
  to: someTime().optional().describe('Before this time: a whole hour; by default now.'),
}));

export const CostReportInput = lazy(() =>
  z.strictObject({
    group: z
      .string()
      .regex(GROUP, 'must be tenant, pool, job, or label: and the key of a label')
      .default('tenant')
      .describe('What a row is: tenant, pool, job, or a value of a label: label:team.'),
    tenant: tenantReference().optional(),
    pool: poolReference().optional().describe('Only what was used in this pool.'),
    tree: queryBoolean()
      .default(false)
      .describe('Tenants as the tree stands now, each with the cost of everything below it.'),
    ...periodInput(),
    by: z.enum(calendarUnits).optional().describe('Also by day, week or month (UTC).'),
    limit: queryInteger(1, MAX_COST_ROWS)
      .default(1_000)
      .describe('The most expensive so many rows.'),
  }),
);

const micro = lazy(() => z.int().describe('Millionths of the currency.'));

const CostRow = lazy(() =>
  z.strictObject({
    name: z.string(),
    id: z.string().nullable().describe('Of a tenant or a job.'),
    kind: z
      .enum(['named', 'deleted', 'unlabelled', 'pruned', 'moved_away'])
      .describe(
        'named, and what has no name of its own: deleted: a tenant that is no more; unlabelled: jobs without the label; pruned: jobs of which only the hours are kept; moved_away: tenants that are no longer within reach.',
      ),
    tenant: z.string().optional().describe('Of a job.'),
    depth: z.int().optional().describe('In a tree: levels below the highest.'),
    cost_micro: micro(),
    resources: z
      .record(
        z.string(),
        z.strictObject({
          unit_hours: z.number().describe('Core-hours, GiB-hours, hours of one of it.'),
          cost_micro: micro(),
        }),
      )
      .describe('By resource; a kind such as gpu.h100 counts with what it is a kind of.'),
    periods: z.array(micro()).describe('The same by period, where that was asked for.'),
  }),
);

export const CostReportResponse = lazy(() =>
  z
    .strictObject({
      from: instant(),
      to: instant(),
      currency: z.string(),
      group: z.string(),
      total_micro: micro(),
      periods: z
        .array(z.strictObject({ begins_at: instant(), cost_micro: micro() }))
        .describe('The sum of each period, where that was asked for.'),
      rows: z.array(CostRow()).describe('The most expensive first; a tree in its order.'),
      rows_in_all: z.int(),
    })
    .meta({ id: 'CostReportResponse' }),
);
