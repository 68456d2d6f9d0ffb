import * as z from 'zod';
import { strategies } from '../../domain/fair-share.ts';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';
import { reasonCode, scopeName } from './job.ts';

const waitsFor = lazy(() =>
  z
    .strictObject({
      scope: scopeName(),
      resource: z.string().nullable().describe('Null where the reason is none of amount.'),
      amount: z.int().nullable().describe('How much of it has to be free there.'),
      code: reasonCode(),
    })
    .describe('The first of what stands against it.'),
);

/** A waiting job in the line of its pool. */
export const QueuedJobResponse = lazy(() =>
  z
    .strictObject({
      position: z.int().describe('Its place in the line, from 1.'),
      id: z.string(),
      job_id: z.string().nullable(),
      tenant: z.string(),
      tenant_id: z.string(),
      pool: z.string(),
      priority: z.int(),
      resources: z.record(z.string(), z.int()),
      waiting_since: instant(),
      expires_at: instant().nullable().describe('When it has waited as long as it may.'),
      waits_for: waitsFor(),
    })
    .meta({ id: 'QueuedJobResponse' }),
);

/** What a share is of. */
export const dominant = lazy(() =>
  z
    .strictObject({
      resource: z.string(),
      used: z.number().describe('With what was used in the past, as far as it counts.'),
      capacity: z.int(),
    })
    .nullable()
    .describe('The resource of which it has most; null: it has nothing.'),
);

export const share = lazy(() =>
  z
    .number()
    .describe('Of what the pool has, divided by the weight; 1 is all of it for a weight of 1.'),
);

const next = lazy(() =>
  z
    .strictObject({
      id: z.string(),
      job_id: z.string().nullable(),
      tenant: z.string(),
      waiting_since: instant(),
      waits_for: waitsFor(),
      why: z
        .enum(['alone', 'share', 'age', 'priority'])
        .describe(
          'alone: no other tenant waits; share: its tenant has least; age: it is the oldest of those ' +
            'that are equal; priority: it has the highest.',
        ),
    })
    .nullable()
    .describe('Whose turn it is: the first in the line.'),
);

const reservedFor = lazy(() =>
  z
    .strictObject({
      id: z.string(),
      job_id: z.string().nullable(),
      tenant: z.string(),
      since: instant().describe('Since when it waits.'),
    })
    .nullable()
    .describe('For whom room is kept, because it has waited too long.'),
);

const tenantInLine = lazy(() =>
  z.strictObject({
    tenant: z.string(),
    tenant_id: z.string(),
    under: z
      .array(z.strictObject({ tenant: z.string(), share: share() }))
      .describe('Those above it, the root first: first their shares count, then its own.'),
    is_own: z.boolean().describe('By itself, among the tenants below it, which wait too.'),
    share: share(),
    weight: z.int(),
    dominant: dominant(),
    waiting: z.int().describe('How many of its own jobs wait, at most 1,000 counted.'),
    next: z.strictObject({ id: z.string(), job_id: z.string().nullable() }),
  }),
);

/** Who waits in a pool. */
export const QueueResponse = lazy(() =>
  z
    .strictObject({
      pool: z.string(),
      strategy: z.enum(strategies),
      status: z.enum(['active', 'held']),
      waiting: z.int(),
      oldest_since: instant().nullable(),
      next: next(),
      reserved_for: reservedFor(),
      units: z.record(z.string(), z.string()),
      tenants: z
        .array(tenantInLine())
        .describe('Tenants with waiting jobs of their own in the order of their turn, at most 50.'),
      more_tenants: z.int().describe('How many others have jobs that wait.'),
    })
    .meta({ id: 'QueueResponse' }),
);
