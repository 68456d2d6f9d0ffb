import * as z from 'zod';
import { policyActions, policyMoments } from '../../domain/policy.ts';
import { lazy } from '../operation.ts';
import { instant, someTime } from './common.ts';
import { JobRequest, Violation } from './job.ts';
import { expected, oneOf, section } from './section.ts';

function text(what: string) {
  return z.string({ error: expected(what) });
}

const rule = lazy(() =>
  section({
    name: text('a name such as gpu-at-night').describe(
      'Of its own: 1 to 63 of a-z, 0-9 and -, from a letter.',
    ),
    on: oneOf(policyMoments).describe(
      'request: asked of every request; violation: of one that does not fit.',
    ),
    when: text('an expression such as time.hour >= 20').describe(
      'When it matches: an expression of CEL that is true or false.',
    ),
    action: oneOf(policyActions).describe(
      'What it does; on: violation only: allow, start it above limits; burst, lend it capacity; warn: note it.',
    ),
    message: text('a text').nullable().default(null).describe('What the caller is told.'),
  }),
);

function documentFields() {
  return {
    time_zone: text('a time zone such as Europe/Madrid')
      .default('UTC')
      .describe('In which the rules see hour, weekday and date.'),
    rules: z
      .array(rule(), { error: expected('a list of rules') })
      .describe('In their order: of each moment the first that matches acts.'),
  };
}

const ignored = lazy(() => z.unknown().optional().describe('Read only: accepted and ignored.'));

/** All rules, as `policy set` takes them. */
export const PolicyDocument = lazy(() =>
  section({
    ...documentFields(),
    revision: ignored(),
    applied_at: ignored(),
    changes: ignored(),
  }),
);

/** As somebody sends it. */
export type SentPolicy = Pick<z.input<ReturnType<typeof PolicyDocument>>, 'time_zone' | 'rules'>;

export type PolicyFields = Pick<z.output<ReturnType<typeof PolicyDocument>>, 'time_zone' | 'rules'>;

function responseFields() {
  return {
    time_zone: z.string(),
    rules: z.array(
      z.strictObject({
        name: z.string(),
        on: z.enum(policyMoments),
        when: z.string(),
        action: z.enum(policyActions),
        message: z.string().nullable(),
      }),
    ),
    revision: z.int().describe('Counts the changes, from 0; sent as ETag.'),
    applied_at: instant().nullable().describe('Null: no rules were ever set.'),
  };
}

export const PolicyResponse = lazy(() => z.strictObject(responseFields()));

export const PolicyChangeResponse = lazy(() =>
  z.strictObject({
    ...responseFields(),
    changes: z
      .array(
        z.strictObject({
          rule: z.string().nullable().describe('Null: time zone or order.'),
          change: z.enum(['added', 'changed', 'removed', 'moved', 'time_zone']),
        }),
      )
      .describe('What became of which rule.'),
  }),
);

/** A request, and with which rules and at what time it is tried. */
export const PolicyTestRequest = lazy(() =>
  JobRequest()
    .extend({
      at: someTime().optional().describe('As if it were this time; now, where nothing is said.'),
      time_zone: text('a time zone such as Europe/Madrid')
        .optional()
        .describe('Of the rules that are sent; else UTC.'),
      rules: documentFields().rules.optional().describe('Rules to try in place of those in force.'),
    })
    .describe('A request to try the rules on; nothing is admitted.'),
);

function verdict() {
  return z
    .strictObject({
      rule: z.string(),
      action: z.enum(policyActions),
      message: z.string().nullable(),
    })
    .nullable();
}

export const PolicyTestResponse = lazy(() =>
  z.strictObject({
    tenant: z.string(),
    pool: z.string(),
    time: z
      .strictObject({
        zone: z.string(),
        date: z.string(),
        hour: z.int(),
        minute: z.int(),
        weekday: z.int().describe('1 is Monday, 7 is Sunday.'),
      })
      .describe('As the rules see it.'),
    fired: z
      .strictObject({ request: verdict(), violation: verdict() })
      .describe('The rules that act; null: none of them.'),
    rules: z.array(
      z.strictObject({
        name: z.string(),
        on: z.enum(policyMoments),
        action: z.enum(policyActions),
        matched: z.boolean(),
        outcome: z
          .enum(['fired', 'preceded', 'false', 'error', 'not_asked'])
          .describe('preceded: it matched, but an earlier rule acted.'),
        detail: z.string().describe('Why it does not act.'),
      }),
    ),
    violations: z.array(Violation()).describe('What stands against the request without rules.'),
  }),
);
