import * as z from 'zod';
import { strategies } from '../../domain/fair-share.ts';
import { jobStates } from '../../domain/job.ts';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';
import { reasonCode, scopeName, verdict, Violation } from './job.ts';
import { dominant, share } from './queue.ts';

const limit = lazy(() => z.int().nullable());

const check = lazy(() =>
  z.strictObject({
    scope: scopeName(),
    resource: z.string(),
    limit: limit(),
    used: z.int(),
    requested: z.int(),
    over_by: z.int().describe('0: it fits there.'),
    base: z
      .int()
      .optional()
      .describe('What the limit is without the burst session that lifts it now.'),
    lent_until: instant().optional().describe('When that session ends.'),
  }),
);

const holder = lazy(() =>
  z.strictObject({
    scope: scopeName(),
    resource: z.string(),
    tenant: z
      .string()
      .nullable()
      .describe(
        'Who holds it; where no job is named, with all below it. Null: others, beyond your reach.',
      ),
    job: z.string().nullable().describe("Id of the job, in the tenant's own scope."),
    job_id: z.string().nullable(),
    amount: z.int(),
    since: instant().nullable(),
    expires_at: instant().nullable().describe('When its lease ends, unless it is renewed.'),
  }),
);

const raise = lazy(() =>
  z
    .strictObject({ scope: scopeName(), resource: z.string(), from: limit(), to: limit() })
    .describe('A limit that would have to be so high.'),
);

const helpfulBurst = lazy(() =>
  z
    .strictObject({
      tenant: z.string(),
      pool: z.string().nullable(),
      percentage: z.int().describe('The smallest that is enough.'),
      duration_seconds: z.int().describe('What is configured.'),
    })
    .nullable()
    .describe('A burst session that could be asked for now, and would admit it by itself.'),
);

const then = lazy(() =>
  z
    .strictObject({
      decision_id: z.string(),
      at: instant(),
      times: z.int(),
      outcome: z.enum(['queued', 'rejected']),
      code: reasonCode(),
      retryable: z.boolean(),
      decided_by: z.string(),
      violations: z.array(Violation()),
    })
    .nullable()
    .describe('What was decided, with the numbers of then; null: it was admitted at once.'),
);

const now = lazy(() =>
  z
    .strictObject({
      outcome: z
        .enum(['admitted', 'queued', 'rejected'])
        .describe('What the same request would be answered now.'),
      code: reasonCode().nullable(),
      retryable: z.boolean().nullable(),
      checks: z.array(check()).describe('Scope by scope, with the numbers of now.'),
      violations: z.array(Violation()),
      holders: z.array(holder()).describe('Who holds most of what it lacks.'),
      raises: z.array(raise()).describe('The smallest changes of limits that would admit it.'),
      burst: helpfulBurst(),
      rule: verdict().nullable().describe('The policy rule that holds it back.'),
    })
    .nullable()
    .describe('Null where there is nothing to decide any more.'),
);

function rival() {
  return {
    tenant: z.string().describe('With all below it, or by itself where is_own.'),
    is_own: z.boolean().describe('Its own jobs, among those of the tenants below it.'),
    share: share(),
    weight: z.int(),
  };
}

const level = lazy(() =>
  z.strictObject({
    under: z.string().nullable().describe('Among whom: those below this tenant; null: the roots.'),
    rank: z.int().describe('From 1: who has the lowest share.'),
    of: z.int().describe('How many compete there.'),
    ...rival(),
    dominant: dominant(),
    ahead: z
      .array(z.strictObject(rival()))
      .describe('Of the last three before it those within your reach.'),
  }),
);

const move = lazy(() =>
  z.union([
    z
      .strictObject({
        kind: z.literal('room'),
        scope: scopeName(),
        resource: z.string(),
        amount: z.int(),
      })
      .describe('So much more has to be free there for it to start.'),
    z
      .strictObject({ kind: z.literal('weight'), tenant: z.string(), to: z.int() })
      .describe('The smallest weight with which that tenant comes first, nearest to the root.'),
    z
      .strictObject({ kind: z.literal('priority'), to: z.int() })
      .describe('The smallest priority with which it comes before those that have a higher one.'),
  ]),
);

const line = lazy(() =>
  z
    .strictObject({
      strategy: z.enum(strategies),
      position: z.int().nullable().describe('Its place in the pool, from 1 to 1,000.'),
      waiting: z.int().describe('How many wait in the pool.'),
      levels: z
        .array(level())
        .describe('Where tenants compete, from the root down; one alone has no rivals.'),
      own_ahead: z
        .int()
        .nullable()
        .describe('How many of its own tenant stand before it, up to 1,000; null: age decides.'),
      reserved: z.boolean().describe('Room is kept for it, since it has waited too long.'),
      moves: z.array(move()).describe('What would move it.'),
    })
    .nullable()
    .describe('While it waits: how it has come to its place.'),
);

/** Why a request was answered as it was, and what would help. */
export const ExplainResponse = lazy(() =>
  z
    .strictObject({
      kind: z.enum(['job', 'decision']),
      id: z.string(),
      job_id: z.string().nullable(),
      state: z.enum([...jobStates, 'rejected']),
      tenant: z.string(),
      tenant_id: z.string(),
      pool: z.string(),
      resources: z.record(z.string(), z.int()),
      units: z.record(z.string(), z.string()),
      requested_at: instant(),
      admitted_at: instant().nullable(),
      ended_at: instant().nullable(),
      expires_at: instant().nullable(),
      as_of: instant(),
      position: z
        .int()
        .nullable()
        .describe('While it waits: its place in the pool, from 1 to 1,000.'),
      line: line(),
      then: then(),
      now: now(),
    })
    .meta({ id: 'ExplainResponse' }),
);

const cause = lazy(() =>
  z.strictObject({
    scope: scopeName(),
    resource: z.string(),
    limit: limit(),
    base: z.int().optional().describe('What the limit is without the session that lifts it now.'),
    lent_until: instant().optional().describe('When that session ends.'),
    used: z.int(),
    is_money: z
      .literal(true)
      .optional()
      .describe('Where it is the budget of the scope that they wait for, and no resource.'),
    jobs: z.int().describe('How many wait there first.'),
    requested: z.int().describe('How much of it they ask for together.'),
    first: z.strictObject({
      id: z.string(),
      job_id: z.string().nullable(),
      requested_at: instant(),
      requested: z.int(),
    }),
  }),
);

const rejections = lazy(() =>
  z.strictObject({
    code: reasonCode(),
    scope: scopeName(),
    resource: z.string().nullable(),
    times: z.int(),
    last_at: instant(),
    decision_id: z.string().describe('The latest of them.'),
  }),
);

/** All that a tenant waits for, by cause. */
export const TenantExplainResponse = lazy(() =>
  z
    .strictObject({
      tenant: z.string(),
      tenant_id: z.string(),
      as_of: instant(),
      suspended_by: z
        .string()
        .nullable()
        .describe('The tenant that is suspended: it or one above.'),
      running: z.int().describe('How many of its own jobs run.'),
      waiting: z.int(),
      units: z.record(z.string(), z.string()),
      causes: z.array(cause()).describe('What its waiting jobs lack first, most jobs first.'),
      rejections: z.array(rejections()).describe('Of the last 24 hours, most often first.'),
    })
    .meta({ id: 'TenantExplainResponse' }),
);
