import * as z from 'zod';
import { LEAST_FREED, FAR_ABOVE, LET_THROUGH, OFTEN, ROOM } from '../../domain/advice.ts';
import { lazy } from '../operation.ts';
import { instant, queryInteger, tenantReference } from './common.ts';

const percent = (share: number) => `${Math.round(share * 100)} %`;

const MAX_ADVICE = 500;

export const AdviceInput = lazy(() =>
  z.strictObject({
    tenant: tenantReference().optional().describe('Only of this tenant and those below it.'),
    last: z
      .string()
      .max(40)
      .default('30d')
      .describe('The time that is looked at: the last 30d, 12h.'),
    limit: queryInteger(1, MAX_ADVICE).default(50).describe('At most so many rows of each kind.'),
  }),
);

const place = lazy(() => ({
  tenant: z.string(),
  tenant_id: z.string(),
  pool: z.string().nullable().describe('Null: the limit that holds everywhere.'),
  resource: z.string(),
  unit: z.string(),
  limit: z.int().describe('As it is set now.'),
  advised: z.int().describe('The limit that would do.'),
  command: z.string().describe('What sets it.'),
}));

const Raise = lazy(() =>
  z.strictObject({
    ...place(),
    times: z.int().describe('Requests that did not fit, those that were repeated too.'),
    rejected: z.int().describe('Of these so many were rejected; the others had to wait.'),
    would_fit: z.int().describe('Of these so many would have fitted under the advised limit.'),
    bound_by: z
      .strictObject({
        tenant: z.string().nullable(),
        pool: z.string().nullable(),
        limit: z.int(),
      })
      .nullable()
      .describe(
        'What stands above it with a lower limit than the advised one, and still binds it.',
      ),
    also_lacked: z
      .strictObject({
        tenant: z.string().nullable(),
        pool: z.string().nullable(),
        resource: z.string(),
        times: z.int(),
      })
      .nullable()
      .describe('Where else most of these requests did not fit either.'),
  }),
);

const Lower = lazy(() =>
  z.strictObject({
    ...place(),
    peak: z.int().describe('The most that was used at one time, by all below it too.'),
    lacked: z.int().describe('The largest request that did not fit somewhere: it counts on top.'),
    frees: z.int(),
  }),
);

export const AdviceResponse = lazy(() =>
  z
    .strictObject({
      from: instant(),
      to: instant(),
      is_shortened: z
        .boolean()
        .describe('Whether jobs of a part of the time that was asked for were removed.'),
      raise: z
        .array(Raise())
        .describe(
          `Limits for which at least ${OFTEN} requests did not fit, the most first; ` +
            `${percent(LET_THROUGH)} of these would fit under the advised one.`,
        ),
      raise_in_all: z.int(),
      lower: z
        .array(Lower())
        .describe(
          `Limits of more than ${FAR_ABOVE} times their peak, with ${percent(ROOM)} of it as room; ` +
            `at least ${percent(LEAST_FREED)} is freed. First what frees most of what is promised.`,
        ),
      lower_in_all: z.int(),
      too_new: z.int().describe('Tenants younger than the time, whose limits are not lowered.'),
    })
    .meta({ id: 'AdviceResponse' }),
);
