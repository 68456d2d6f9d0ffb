import * as z from 'zod';
import { MAX_POOL_SIZE, nearestPoolName, poolNameProblem, poolTypes } from '../../domain/pool.ts';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import { lazy } from '../operation.ts';
import { freeText, instant, someTime } from './common.ts';

const MAX_TEXT = 100;

export const poolReference = lazy(() =>
  z
    .string()
    .max(64)
    .superRefine((text, check) => {
      // A URL cannot carry these as a part of its path, so that nothing can be called so.
      if (!['', '.', '..'].includes(text)) return;
      check.addIssue({ code: 'custom', message: `must not be "${text}"` });
    })
    .describe('The id of a pool.')
    .meta({ minLength: 1, example: 'gpu' }),
);

const id = lazy(() =>
  z
    .string()
    .superRefine((text, check) => {
      const problem = poolNameProblem(text);
      if (problem === undefined) return;
      const suggestion = nearestPoolName(text);
      const hint = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
      check.addIssue({ code: 'custom', message: problem, params: { hint } });
    })
    .describe('By which requests name it: 1 to 63 of a-z, 0-9 and -.')
    .meta({ pattern: '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$' }),
);

const limit = lazy(() => {
  const wanted = 'must be a whole number from 0 to 2^53-1, or null for unlimited';
  return z.int(wanted).min(0, wanted).max(MAX_AMOUNT, wanted).nullable();
});

const status = lazy(() => z.enum(['active', 'held']));

function size(what: string) {
  const wanted = `must be a whole number from 0 to ${MAX_POOL_SIZE}`;
  return z.int(wanted).min(0, wanted).max(MAX_POOL_SIZE, wanted).describe(what);
}

function text() {
  return freeText(MAX_TEXT).regex(/\S/, 'must not be empty');
}

function fields() {
  const wanted = 'must be a whole number from 0 to 2^53-1';
  return {
    name: text().optional().describe('A title for people; else the id.'),
    type: z
      .enum(poolTypes)
      .optional()
      .describe('static: always max_size workers; dynamic: size workers, which changes.'),
    min_size: size('The fewest workers; 1 where nothing is said.').optional(),
    max_size: size('The most workers: what needs more can never run.').optional(),
    size: size('The workers there are now; of a dynamic pool only.').optional(),
    provider: text()
      .nullable()
      .optional()
      .describe('Where the workers come from: a label, which decides nothing.'),
    resources: z
      .record(z.string(), z.int(wanted).min(0, wanted).max(MAX_AMOUNT, wanted))
      .optional()
      .describe('By resource what one worker has; what is not named is not limited by the pool.'),
    quotas: z
      .strictObject({
        max_concurrent_jobs: limit().optional().describe('Jobs in the pool at one time.'),
        max_jobs_per_tenant: limit()
          .optional()
          .describe('The same for a tenant without a limit of its own in the pool.'),
      })
      .optional(),
  };
}

export const CreatePoolRequest = lazy(() => z.strictObject({ id: id(), ...fields() }));

export const HoldPoolRequest = lazy(() =>
  z.strictObject({
    until: someTime()
      .optional()
      .describe('When it is resumed by itself; else it is held until somebody resumes it.'),
  }),
);

const READ_ONLY_FIELDS = [
  ...['source', 'capacity', 'used', 'promised', 'units', 'jobs', 'waiting'],
  ...['held_until', 'held_reason', 'version', 'created_at', 'updated_at', 'effects'],
] as const;

/** Fields that are left out stay as they are; those that only hodei writes are accepted and ignored. */
export const UpdatePoolRequest = lazy(() => {
  const ignored = z.unknown().optional().describe('Read only: accepted and ignored.');
  return z.strictObject({
    ...fields(),
    id: z.string().optional().describe('Must be what it is: a pool keeps its id.'),
    status: status()
      .optional()
      .describe('Must be what it is; hold and resume have routes of their own.'),
    ...Object.fromEntries(READ_ONLY_FIELDS.map((field) => [field, ignored])),
  });
});

const amounts = lazy(() => z.record(z.string(), z.int()));

function responseFields() {
  return {
    id: z.string(),
    name: z.string(),
    type: z.enum(poolTypes),
    status: status(),
    held_until: instant()
      .nullable()
      .describe('When it is resumed by itself; null: not held, or until somebody resumes it.'),
    held_reason: z
      .string()
      .nullable()
      .describe('Why it is held: the reason that the hold was given.'),
    provider: z.string().nullable(),
    min_size: z.int(),
    max_size: z.int(),
    size: z.int(),
    resources: amounts().describe('By resource what one worker has.'),
    quotas: z.strictObject({ max_concurrent_jobs: limit(), max_jobs_per_tenant: limit() }),
    source: z
      .enum(['built_in', 'config', 'operator'])
      .describe('Who wrote it: hodei itself, the config file, or somebody with a command.'),
    capacity: amounts().describe(
      'By resource what all workers have together; what is not here is not limited.',
    ),
    used: amounts(),
    promised: z
      .record(z.string(), z.int().nullable())
      .optional()
      .describe('By resource the limits of all tenants together; null: unlimited. Of a get only.'),
    units: z.record(z.string(), z.string()).describe('By resource: of what the amounts are.'),
    jobs: z.int().describe('How many run.'),
    waiting: z.int().describe('How many wait.'),
    version: z.int().describe('Counts the changes; sent as ETag.'),
    created_at: instant(),
    updated_at: instant(),
  };
}

export const PoolResponse = lazy(() =>
  z.strictObject(responseFields()).meta({ id: 'PoolResponse' }),
);

/** What follows from a change of limits or room. */
export const effects = lazy(() =>
  z
    .strictObject({
      over: z
        .array(
          z.strictObject({
            tenant: z.string().nullable(),
            pool: z.string().nullable(),
            resource: z.string(),
            limit: z.int(),
            used: z.int(),
            over_by: z.int(),
          }),
        )
        .describe('What is above its limit now: it keeps running, and nothing new starts there.'),
      started: z
        .array(
          z.strictObject({
            id: z.string(),
            job_id: z.string().nullable(),
            tenant: z.string(),
            pool: z.string(),
          }),
        )
        .describe('Waiting jobs that fit now.'),
    })
    .describe('What follows; of a dry run, what would.'),
);

export const PoolChangeResponse = lazy(() =>
  z.strictObject({ ...responseFields(), effects: effects() }).meta({ id: 'PoolChangeResponse' }),
);
