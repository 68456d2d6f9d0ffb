import * as z from 'zod';
import type { Violation } from '../domain/admission.ts';
import { notFound } from '../domain/errors.ts';
import {
  diffPolicies,
  localTimeIn,
  noPolicy,
  type Policy,
  type PolicyChange,
  type Verdict,
} from '../domain/policy.ts';
import { ADMINS, READERS } from '../domain/role.ts';
import type { RevisionRow, Tables } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import { decideOn } from './job-admission.ts';
import { readRequest, type JobAsk } from './job-request.ts';
import { viewViolation } from './job-view.ts';
import type { PathCeilings } from './ledger.ts';
import { nearest } from './nearest.ts';
import { expectVersion, operation, type Context } from './operation.ts';
import { askRulesNow } from './promotion.ts';
import { overdueAsOf } from './overdue.ts';
import {
  policyDocument,
  policyFromFields,
  policyOf,
  problemsOf,
  refusalOf,
} from './policy-document.ts';
import { policyExample, policyInputExample, policyTestExample } from './policy-examples.ts';
import {
  compileRules,
  factsOf,
  rulesInForce,
  type Rules,
  type TracedRule,
} from './policy-rules.ts';
import { toInstant } from './schemas/common.ts';
import {
  PolicyChangeResponse,
  PolicyDocument,
  PolicyResponse,
  PolicyTestRequest,
  PolicyTestResponse,
} from './schemas/policy.ts';

export type PolicyView = z.output<ReturnType<typeof PolicyResponse>>;

export type PolicyTestView = z.output<ReturnType<typeof PolicyTestResponse>>;

/** As many rules as there may be, each as long as it may be. */
const BODY_LIMIT = 1024 * 1024;

export const listPolicies = operation({
  name: 'policy.list',
  summary: 'List the rules in force, in their order',
  method: 'GET',
  path: '/policies',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: true,
  input: () => z.strictObject({}),
  output: PolicyResponse,
  example: { input: {}, output: policyExample },
  run: async ({ tables }) => viewPolicy(await tables.policies.current()),
});

export const setPolicies = operation({
  name: 'policy.set',
  summary: 'Set all rules anew, in their order; each is checked before any is in force',
  method: 'PUT',
  path: '/policies',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  bodyLimit: BODY_LIMIT,
  requestName: 'PolicyDocument',
  input: PolicyDocument,
  output: PolicyChangeResponse,
  example: {
    input: policyInputExample,
    output: { ...policyExample, changes: [{ rule: 'release-may-exceed', change: 'added' }] },
  },

  async run(context, input) {
    const policy = await readPolicy(policyFromFields(input));
    const present = await context.tables.policies.current();
    expectVersion(context, present?.revision ?? 0, 'The policy');
    const before = present === undefined ? noPolicy : policyOf(present.document);
    const changes = diffPolicies(before, policy);
    if (changes.length === 0) return { ...viewPolicy(present), changes };
    const row = await putInForce(context, present, policy);
    await recordEvent(context, {
      ...{ operation: 'policy.set', tenant: null, object: 'policy' },
      before: sideOf(before, changes),
      after: sideOf(policy, changes),
    });
    await askRulesNow(context);
    return { ...viewPolicy(row), changes };
  },
});

export const deletePolicy = operation({
  name: 'policy.delete',
  summary: 'Delete a rule; the others stay as they are',
  method: 'DELETE',
  path: '/policies/{rule}',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: true,
  status: 204,
  input: () => z.strictObject({ rule: z.string().min(1).max(64).describe('Name of the rule.') }),
  output: () => z.undefined(),
  example: { input: { rule: 'gpu-at-night' }, output: undefined },

  async run(context, { rule: name }) {
    const present = await context.tables.policies.current();
    expectVersion(context, present?.revision ?? 0, 'The policy');
    const policy = present === undefined ? noPolicy : policyOf(present.document);
    const rule = policy.rules.find((each) => each.name === name);
    if (rule === undefined) throw unknownRule(name, policy);
    const rules = policy.rules.filter((each) => each !== rule);
    await putInForce(context, present, { ...policy, rules });
    await recordEvent(context, {
      ...{ operation: 'policy.delete', tenant: null, object: name },
      before: { ...rule },
      after: null,
    });
    await askRulesNow(context);
    return undefined;
  },
});

export const testPolicy = operation({
  name: 'policy.test',
  summary: 'Try the rules on a request: which of them act, and why the others do not',
  method: 'POST',
  path: '/policies/test',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  bodyLimit: BODY_LIMIT,
  input: PolicyTestRequest,
  output: PolicyTestResponse,
  example: {
    input: { tenant: 'acme', gpu: 2, at: '2026-11-23T13:30:00Z' },
    output: policyTestExample,
  },

  async run({ tables, now }, input) {
    const { at, time_zone: timeZone = 'UTC', rules: sent, ...request } = input;
    const ask = await readRequest(tables, request);
    const { policy, rules } =
      sent === undefined ? await rulesThere(tables) : await rulesSent({ timeZone, rules: sent });
    const time = at === undefined ? now : Date.parse(at);
    const { path, violations, waits } = await situationOf({ tables, now }, ask);
    const trace = rules?.trace(await factsOf(tables, ask, path, time), waits);
    return {
      ...{ tenant: ask.tenant.name, pool: ask.pool.name },
      time: { zone: policy.timeZone, ...localTimeIn(policy.timeZone)(time) },
      fired: { request: viewVerdict(trace?.onRequest), violation: viewVerdict(trace?.onViolation) },
      rules: (trace?.rules ?? []).map(viewTraced),
      violations: violations.map(viewViolation),
    };
  },
});

/** @throws invalid with all that is wrong, and where. */
async function readPolicy(sent: Policy): Promise<Policy> {
  const problems = await problemsOf(sent);
  if (problems.length > 0) throw refusalOf(problems, sent);
  return { ...sent, rules: sent.rules.map((rule) => ({ ...rule, when: rule.when.trim() })) };
}

interface PolicyToTry {
  readonly policy: Policy;
  readonly rules: Rules | undefined;
}

async function rulesSent(sent: Policy): Promise<PolicyToTry> {
  const policy = await readPolicy(sent);
  return { policy, rules: await compileRules(policy) };
}

async function rulesThere(tables: Tables): Promise<PolicyToTry> {
  const row = await tables.policies.current();
  const policy = row === undefined ? noPolicy : policyOf(row.document);
  return { policy, rules: await rulesInForce(tables) };
}

interface TriedSituation {
  readonly path: PathCeilings;
  /** All that stands against the request. */
  readonly violations: readonly Violation[];
  /** The same where rules on: violation are asked: not of what can never be admitted. */
  readonly waits: readonly Violation[] | undefined;
}

/** How the request stands without rules, by the function that decides. */
async function situationOf(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  ask: JobAsk,
): Promise<TriedSituation> {
  const { path, decision } = await decideOn({ tables, now }, ask, {
    arePoolsOn: ask.settings.resourcePools.enabled,
    overdue: await overdueAsOf(tables, now),
    onFull: ask.onFull,
    isNew: true,
  });
  if (decision.outcome === 'admitted') return { path, violations: [], waits: undefined };
  const { violations, isRetryable } = decision;
  return { path, violations, waits: isRetryable ? violations : undefined };
}

async function putInForce(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  present: RevisionRow | undefined,
  policy: Policy,
): Promise<RevisionRow> {
  const row: RevisionRow = {
    revision: (present?.revision ?? 0) + 1,
    appliedAt: now,
    document: JSON.stringify(policyDocument(policy)),
  };
  await tables.policies.insert(row);
  return row;
}

/** The part of a policy that the changes are about. */
function sideOf({ timeZone, rules }: Policy, changes: readonly PolicyChange[]) {
  const entries = changes.flatMap(({ rule: name, change }): [string, unknown][] => {
    if (change === 'time_zone') return [['time_zone', timeZone]];
    if (change === 'moved') return [['rule_order', rules.map((rule) => rule.name)]];
    const rule = rules.find((each) => each.name === name);
    return rule === undefined ? [] : [[rule.name, { ...rule }]];
  });
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function unknownRule(name: string, { rules }: Policy) {
  const names = rules.map((rule) => rule.name);
  const meant = nearest(name, names);
  const there =
    names.length === 0 ? 'There are no rules.' : 'See which there are: hodei policy list';
  return notFound(
    `Policy rule not found: ${name}`,
    meant === undefined ? there : `Did you mean ${meant}?`,
  );
}

function viewPolicy(row: RevisionRow | undefined): PolicyView {
  const policy = row === undefined ? noPolicy : policyOf(row.document);
  return {
    ...policyDocument(policy),
    revision: row?.revision ?? 0,
    applied_at: row === undefined ? null : toInstant(row.appliedAt),
  };
}

function viewVerdict(verdict: Verdict | undefined) {
  if (verdict === undefined) return null;
  const { name: rule, action, message } = verdict;
  return { rule, action, message };
}

function viewTraced({ rule, outcome, detail }: TracedRule) {
  const { name, on, action } = rule;
  const matched = outcome === 'fired' || outcome === 'preceded';
  return { name, on, action, matched, outcome, detail };
}
