import * as z from 'zod';
import { policyActions } from '../../domain/policy.ts';
import { reasonCodes } from '../../domain/admission.ts';
import { jobIdProblem, jobStates, MAX_PRIORITY, MAX_TTL_SECONDS } from '../../domain/job.ts';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import { lazy } from '../operation.ts';
import { instant, labelsInput, tenantReference } from './common.ts';
import { poolReference } from './pool.ts';

/** An amount that is asked for; 0 is as good as leaving it out. */
export const amount = lazy(() => {
  const wanted = 'must be a whole number from 0 to 2^53-1';
  return z.int(wanted).min(0, wanted).max(MAX_AMOUNT, wanted);
});

/** Amounts by resource: the four that are built in, and any other of the catalogue. */
function amountFields() {
  return {
    cpu_m: amount().optional().describe('Millicores.'),
    memory_mb: amount().optional().describe('MiB.'),
    gpu: amount().optional().describe('GPUs.'),
    jobs: amount().optional().describe('How many jobs it counts as; 1 where nothing is said.'),
  };
}

export const jobId = lazy(() =>
  z
    .string()
    .superRefine((text, check) => {
      const problem = jobIdProblem(text);
      if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
    })
    .describe(
      "The caller's own name for it, unique in the tenant: a retry with it changes nothing.",
    ),
);

export function seconds(what: string) {
  const wanted = `must be a whole number of seconds from 1 to ${MAX_TTL_SECONDS}`;
  return z.int(wanted).min(1, wanted).max(MAX_TTL_SECONDS, wanted).describe(what);
}

export const jobReference = lazy(() =>
  z
    .string()
    .min(1)
    .max(300)
    .describe("A job's id, or <tenant>:<job_id>.")
    .meta({ example: 'acme:build-812' }),
);

function requestFields() {
  const priority = `must be a whole number from ${-MAX_PRIORITY} to ${MAX_PRIORITY}`;
  return {
    tenant: tenantReference(),
    pool: poolReference().optional().describe('Where it shall run; the only pool, or `default`.'),
    job_id: jobId().optional(),
    priority: z
      .int(priority)
      .min(-MAX_PRIORITY, priority)
      .max(MAX_PRIORITY, priority)
      .default(0)
      .describe('Among the jobs of its tenant: higher is sooner.'),
    labels: labelsInput('a job').default({}),
    ttl_seconds: seconds(
      'Its lease, from admission on: not renewed, it ends by itself.',
    ).optional(),
    ...amountFields(),
  };
}

/** What a job asks for. Every other field is a resource of the catalogue. */
export const JobRequest = lazy(() =>
  z
    .object({
      ...requestFields(),
      queue_ttl_seconds: seconds('How long it waits at most.').optional(),
      on_full: z
        .enum(['reject', 'queue'])
        .optional()
        .describe('What becomes of it when there is no room; else the configuration decides.'),
    })
    .catchall(amount() as z.ZodType<unknown>)
    .describe('Amounts are in base units; resources that are not named are not needed.'),
);

/** What runs already. */
export const AdoptedJob = lazy(() =>
  z
    .object({
      ...requestFields(),
      started_at: z.iso
        .datetime({ offset: true, error: 'must be a time such as 2026-11-01T09:00:00Z' })
        .optional()
        .describe('When it began; now, where nothing is said.'),
    })
    .catchall(amount() as z.ZodType<unknown>)
    .describe('A job that runs already, outside of hodei until now.'),
);

/** Fields of a request that are no resources. */
export const REQUEST_FIELDS = [
  ...['tenant', 'pool', 'job_id', 'priority', 'labels'],
  ...['ttl_seconds', 'queue_ttl_seconds', 'on_full'],
] as const;

export const reasonCode = lazy(() => z.enum(reasonCodes));

export const scopeName = lazy(() =>
  z
    .strictObject({ tenant: z.string().nullable(), pool: z.string().nullable() })
    .describe('A tenant, a tenant in a pool, or a pool.'),
);

function limitOrNone(what: string) {
  return z.int().nullable().describe(what);
}

export const Violation = lazy(() =>
  z
    .strictObject({
      scope: scopeName(),
      resource: z.string().nullable().describe('Null where the reason is none of amount.'),
      limit: limitOrNone('The limit in force then; null: unlimited, or none of amount.'),
      base: z
        .int()
        .optional()
        .describe('What the limit is without the burst session that lifted it then.'),
      lent_until: instant().optional().describe('When that session ends; not of what is recorded.'),
      used: limitOrNone('What was used then.'),
      requested: limitOrNone('What was asked for.'),
      over_by: limitOrNone('By how much it did not fit.'),
      code: reasonCode(),
    })
    .meta({ id: 'Violation' }),
);

export const verdict = lazy(() =>
  z.strictObject({
    name: z.string(),
    action: z.enum(policyActions),
    message: z.string().nullable(),
  }),
);

function decisionFields() {
  return {
    decision_id: z.string().optional().describe('Of the record of why: explain it.'),
    code: reasonCode().optional(),
    retryable: z
      .boolean()
      .optional()
      .describe('Whether the same request can succeed later without anybody raising a limit.'),
    violations: z.array(Violation()).optional(),
    rule: verdict().optional().describe('The policy rule that had a part in it.'),
    error: z.string().optional().describe('A rejection in a sentence.'),
    hint: z.string().optional(),
    trace_id: z.string().optional(),
  };
}

export const JobResponse = lazy(() =>
  z
    .strictObject({
      id: z.string().nullable().describe('Null where there is no job: rejected, or only checked.'),
      job_id: z.string().nullable(),
      state: z.enum([...jobStates, 'rejected']),
      tenant: z.string(),
      tenant_id: z.string(),
      pool: z.string(),
      resources: z
        .record(z.string(), z.int())
        .describe('All that it holds or asks for, in base units; also what follows from it.'),
      priority: z.int(),
      labels: z.record(z.string(), z.string()),
      ttl_seconds: z.int().nullable().describe('Null: it has no lease.'),
      requested_at: instant(),
      decided_at: instant().describe('When it was decided as it is now.'),
      admitted_at: instant().nullable(),
      ended_at: instant().nullable(),
      expires_at: instant().nullable().describe('When lease, claim or waiting runs out.'),
      burst: z
        .string()
        .nullable()
        .describe('Id of the burst session without which it would not have fitted.'),
      mark: z
        .enum(['adopted', 'promoted', 'override'])
        .nullable()
        .describe(
          'Admitted although nothing was checked, after it had waited, or by a rule above limits.',
        ),
      claim_due: z.boolean().describe('Promoted, and freed at expires_at unless it is renewed.'),
      position: z
        .int()
        .optional()
        .describe('While it waits: its place in the pool, from 1 to 1,000.'),
      replayed: z.boolean().optional().describe('It was so already, and nothing was done.'),
      version: z.int(),
      ...decisionFields(),
    })
    .meta({ id: 'JobResponse' }),
);

/** What came of one of several: the job, or why there is none. */
export const JobOutcome = lazy(() =>
  z.union([
    JobResponse(),
    z.strictObject({
      error: z.string(),
      code: z.string(),
      hint: z.string().optional(),
      trace_id: z.string(),
    }),
  ]),
);

export const DecisionResponse = lazy(() =>
  z
    .strictObject({
      id: z.string(),
      outcome: z.enum(['queued', 'rejected']),
      code: reasonCode(),
      retryable: z.boolean(),
      decided_by: z.string().describe('The rule or setting that decided.'),
      tenant: z.string(),
      tenant_id: z.string(),
      pool: z.string(),
      principal: z.string(),
      resources: z.record(z.string(), z.int()),
      times: z.int().describe('How often within a minute.'),
      first_at: instant(),
      last_at: instant(),
      violations: z.array(Violation()).describe('With the numbers of last_at.'),
    })
    .meta({ id: 'DecisionResponse' }),
);
