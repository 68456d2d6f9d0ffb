import * as z from 'zod';
import {
  burstEndings,
  burstStates,
  MAX_BURST_MINUTES,
  MAX_BURST_REASON,
  MAX_PERCENTAGE,
} from '../../domain/burst.ts';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import { lazy } from '../operation.ts';
import { freeText, instant, someTime, tenantReference } from './common.ts';
import { poolReference } from './pool.ts';

const MAX_LIFTS = 64;
const MAX_SECONDS = MAX_BURST_MINUTES * 60;

const addedAmount = lazy(() => {
  const wanted = 'must be a whole number from 1 to 2^53-1';
  return z.int(wanted).min(1, wanted).max(MAX_AMOUNT, wanted);
});

export const burstReference = lazy(() =>
  z.string().min(1).max(100).describe("A session's id.").meta({ example: 'bst-4k6m' }),
);

const percentage = lazy(() => {
  const wanted = `must be a whole number of per cent from 101 to ${MAX_PERCENTAGE}`;
  return z.int(wanted).min(101, wanted).max(MAX_PERCENTAGE, wanted);
});

const duration = lazy(() => {
  const wanted = `must be a whole number of seconds from 1 to ${MAX_SECONDS}`;
  return z.int(wanted).min(1, wanted).max(MAX_SECONDS, wanted);
});

export const DenyBurstRequest = lazy(() =>
  z.strictObject({
    burst: burstReference(),
    reason: freeText(MAX_BURST_REASON)
      .optional()
      .describe('Why not; without it, the reason of the request counts.'),
  }),
);

export const CreateBurstRequest = lazy(() =>
  z.strictObject({
    tenant: tenantReference(),
    percentage: percentage()
      .optional()
      .describe('To so many per cent of the limits; 140: two fifths more.'),
    add: z
      .record(z.string(), addedAmount())
      .refine((add) => Object.keys(add).length <= MAX_LIFTS, `names at most ${MAX_LIFTS}`)
      .optional()
      .describe('In place of a percentage: by resource, so much more, in base units.'),
    resources: z
      .array(z.string().max(100))
      .min(1)
      .max(MAX_LIFTS)
      .optional()
      .describe('Beside a percentage: only the limits of these; else of all that are limited.'),
    pool: poolReference()
      .optional()
      .describe('The limits in this pool, in place of those that hold everywhere.'),
    duration_seconds: duration()
      .optional()
      .describe('How long; the configured duration, if nothing is said.'),
    starts_at: someTime().optional().describe('When; as soon as it is approved, if not said.'),
    on_end: z
      .enum(burstEndings)
      .default('keep')
      .describe('What becomes of jobs that would not fit then: keep or evict, the youngest first.'),
    reason: freeText(MAX_BURST_REASON)
      .optional()
      .describe('What it is for; without it, the reason of the request counts.'),
  }),
);

const limit = lazy(() => z.int().nullable());

const binding = lazy(() =>
  z
    .strictObject({
      tenant: z.string().nullable().describe('Null: the pool itself.'),
      pool: z.string().nullable(),
      limit: limit(),
      used: z.int(),
      free: limit(),
    })
    .describe('Who else limits it, and leaves less than the session would give.'),
);

const lift = lazy(() =>
  z.strictObject({
    resource: z.string(),
    unit: z.string(),
    add: z.int().nullable().describe('By so much; null: by the percentage.'),
    limit: limit().describe('The limit now, without any session.'),
    raised: limit().describe('What the session makes of it.'),
    in_force: limit().describe('What holds now, with the sessions that are in force.'),
    used: z.int(),
    bound_by: binding().nullable(),
  }),
);

const fields = lazy(() => ({
  id: z.string(),
  tenant: z.string(),
  tenant_id: z.string(),
  pool: z.string().nullable().describe('Null: of the limits that hold everywhere.'),
  state: z.enum(burstStates).describe('As of now.'),
  percentage: z.int().nullable().describe('Null: by amounts.'),
  lifts: z.array(lift()).describe('With the numbers of now.'),
  on_end: z.enum(burstEndings),
  reason: z.string(),
  automatic: z.boolean().describe('Opened by a job that did not fit, or agreed to by nobody.'),
  requested_by: z.string(),
  requested_at: instant(),
  approvals: z.array(z.strictObject({ principal: z.string(), approved_at: instant() })),
  approvals_required: z.int(),
  lapses_at: instant().nullable().describe('Until then it can be approved; null: it is decided.'),
  starts_at: instant().nullable().describe('Null: as soon as it is approved.'),
  ends_at: instant().nullable(),
  duration_seconds: z.int(),
  ended_at: instant().nullable().describe('When it was over, or was not to be.'),
  decided_by: z.string().nullable().describe('Who decided last.'),
  decided_reason: z.string().nullable().describe('What they said to it.'),
  decided_at: instant().nullable(),
  jobs: z.int().describe('Jobs that run and would not have fitted without it.'),
  as_of: instant(),
  version: z.int(),
}));

export const BurstResponse = lazy(() => z.strictObject(fields()).meta({ id: 'BurstResponse' }));
