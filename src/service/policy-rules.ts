import { type Violation } from '../domain/admission.ts';
import { scopeText } from '../domain/ceiling.ts';
import { unavailable, type HodeiError } from '../domain/errors.ts';
import type { Amounts } from '../domain/job.ts';
import {
  localTimeIn,
  type LocalTime,
  type Policy,
  type PolicyMoment,
  type PolicyRule,
  type Verdict,
} from '../domain/policy.ts';
import type { Labels, PoolRow, Tables, TenantRow } from '../store/store.ts';
import type { PathCeiling } from './ledger.ts';
import {
  expressionCompiler,
  type Bindings,
  type Compile,
  type Expression,
} from './policy-expressions.ts';
import { policyOf } from './policy-document.ts';

/** What the rules are told of a request. */
export interface Facts {
  /** The tenant, then those above it, nearest first. */
  readonly line: readonly TenantRow[];
  readonly tenantLabels: Labels;
  readonly pool: PoolRow;
  readonly amounts: Amounts;
  readonly labels: Labels;
  readonly priority: number;
  readonly jobId: string | null;
  readonly ttlSeconds: number | null;
  readonly ceilings: readonly PathCeiling[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The rules of a policy, ready to be asked. Of each moment the first that matches acts. */
export interface Rules {
  onRequest(facts: Facts): Verdict | undefined;
  onViolation(facts: Facts, violations: readonly Violation[]): Verdict | undefined;
  /** Asks every rule, also after one has acted; `violations` where the request does not fit now. */
  trace(facts: Facts, violations: readonly Violation[] | undefined): Trace;
}

/** What came of every rule, and which of them act. */
export interface Trace {
  readonly onRequest: Verdict | undefined;
  readonly onViolation: Verdict | undefined;
  readonly rules: readonly TracedRule[];
}

export interface TracedRule {
  readonly rule: PolicyRule;
  /** `preceded`: it matches too, but an earlier rule acted. */
  readonly outcome: 'fired' | 'preceded' | 'false' | 'error' | 'not_asked';
  /** Why it does not act. */
  readonly detail: string;
}

type FactsAsk = Omit<Facts, 'line' | 'tenantLabels' | 'ceilings' | 'now'>;
type FactsPath = Pick<Facts, 'line' | 'ceilings'>;

/** The facts of a request whose path has been loaded; reads the labels of its tenant. */
export async function factsOf(
  tables: Tables,
  { pool, amounts, labels, priority, jobId, ttlSeconds }: FactsAsk,
  { line, ceilings }: FactsPath,
  now: number,
): Promise<Facts> {
  const [tenant] = line;
  const tenantLabels = tenant === undefined ? {} : await tables.tenants.labels(tenant.key);
  return {
    ...{ line, tenantLabels, pool, amounts, labels, priority, jobId, ttlSeconds, ceilings, now },
  };
}

/** Rules by the text of their document: of the last few revisions that were read. */
const compiled = new Map<string, Rules | undefined>();
const MOST_COMPILED = 4;

/** The rules as last set; undefined where there are none. @throws unavailable on one it cannot read. */
export async function rulesInForce(tables: Tables): Promise<Rules | undefined> {
  const row = await tables.policies.current();
  if (row === undefined) return undefined;
  if (compiled.has(row.document)) return compiled.get(row.document);
  const policy = policyOf(row.document);
  const rules = policy.rules.length === 0 ? undefined : await compileRules(policy);
  const [oldest] = compiled.keys();
  if (compiled.size >= MOST_COMPILED && oldest !== undefined) compiled.delete(oldest);
  compiled.set(row.document, rules);
  return rules;
}

interface Ready {
  readonly rule: PolicyRule;
  readonly expression: Expression;
}

/** @throws unavailable on a rule that would be refused if it were saved now. */
export async function compileRules({ timeZone, rules }: Policy): Promise<Rules> {
  const compile = await expressionCompiler();
  const ready = rules.map((rule) => ({ rule, expression: expressionOf(compile, rule) }));
  const clock = localTimeIn(timeZone);
  const on = (moment: PolicyMoment) => ready.filter(({ rule }) => rule.on === moment);
  const [requestRules, violationRules] = [on('request'), on('violation')];
  const bind = (facts: Facts) => bindingsOf(facts, clock(facts.now));
  return {
    onRequest: (facts) =>
      requestRules.length === 0 ? undefined : firstOf(requestRules, bind(facts)),
    onViolation: (facts, violations) => {
      if (violationRules.length === 0) return undefined;
      return firstOf(violationRules, { ...bind(facts), violations: violationFacts(violations) });
    },
    trace: (facts, violations) => traceOf(ready, bind(facts), violations),
  };
}

function expressionOf(compile: Compile, { name, on, when }: PolicyRule): Expression {
  const result = compile(when, on);
  if ('expression' in result) return result.expression;
  throw unreadable(name, result.problem.message);
}

function unreadable(rule: string, why: string): HodeiError {
  return unavailable(`The policy rule ${rule} cannot be read: ${why}.`, {
    hint: 'Look at it with hodei policy list, and set the rules anew: hodei policy set -f rules.yaml',
  });
}

function firstOf(rules: readonly Ready[], bindings: Bindings): Verdict | undefined {
  const first = rules.find(({ expression }) => expression.ask(bindings).holds === true);
  return first && verdictOf(first.rule);
}

function verdictOf({ name, action, message }: PolicyRule): Verdict {
  return { name, action, message };
}

function traceOf(
  ready: readonly Ready[],
  bindings: Bindings,
  violations: readonly Violation[] | undefined,
): Trace {
  const fired = new Map<PolicyMoment, PolicyRule>();
  const withViolations = violations && { ...bindings, violations: violationFacts(violations) };
  const traced = new Map<PolicyRule, TracedRule>();
  const traceMoment = (moment: PolicyMoment, of: Bindings | undefined) => {
    for (const each of ready.filter(({ rule }) => rule.on === moment)) {
      const result = traceOne(each, of, fired.get(moment));
      if (result.outcome === 'fired') fired.set(moment, each.rule);
      traced.set(each.rule, result);
    }
  };
  traceMoment('request', bindings);
  const first = fired.get('request');
  const isDecided = first !== undefined && first.action !== 'warn';
  traceMoment('violation', isDecided ? undefined : withViolations);
  const verdict = (rule: PolicyRule | undefined) => rule && verdictOf(rule);
  return {
    onRequest: verdict(first),
    onViolation: verdict(fired.get('violation')),
    rules: ready.flatMap(({ rule }) => traced.get(rule) ?? []),
  };
}

function traceOne(
  { rule, expression }: Ready,
  bindings: Bindings | undefined,
  earlier: PolicyRule | undefined,
): TracedRule {
  if (bindings === undefined) {
    const detail = 'asked only where a request does not fit, and no rule on: request decided it';
    return { rule, outcome: 'not_asked', detail };
  }
  const outcome = expression.ask(bindings);
  if (outcome.holds === undefined) return { rule, outcome: 'error', detail: outcome.error };
  if (!outcome.holds) return { rule, outcome: 'false', detail: expression.whyNot(bindings) };
  if (earlier === undefined) return { rule, outcome: 'fired', detail: '' };
  return { rule, outcome: 'preceded', detail: `it matches, but ${earlier.name} acted before it` };
}

function bindingsOf(facts: Facts, time: LocalTime): Bindings {
  const { line, pool, ceilings } = facts;
  const [tenant, ...above] = line;
  const own = ceilings.filter(({ scope }) => isOf(scope.subject, tenant?.key ?? null, null));
  const ofPool = ceilings.filter(({ scope }) => isOf(scope.subject, null, pool.key));
  const { hour, minute, weekday, date } = time;
  return {
    tenant: {
      id: tenant?.id ?? '',
      name: tenant?.name ?? '',
      weight: BigInt(tenant?.weight ?? 1),
      labels: new Map(Object.entries(facts.tenantLabels)),
      ancestors: above.map(({ name }) => name),
    },
    request: {
      resources: integers(facts.amounts),
      labels: new Map(Object.entries(facts.labels)),
      priority: BigInt(facts.priority),
      pool: pool.name,
      job_id: facts.jobId ?? '',
      ttl_seconds: BigInt(facts.ttlSeconds ?? 0),
    },
    usage: usedOf(own),
    limits: limitsOf(own),
    pool: { name: pool.name, type: pool.type, used: usedOf(ofPool), capacity: limitsOf(ofPool) },
    time: { hour: BigInt(hour), minute: BigInt(minute), weekday: BigInt(weekday), date },
  };
}

function isOf(
  subject: PathCeiling['scope']['subject'],
  tenant: number | null,
  pool: number | null,
): boolean {
  return subject.tenant === tenant && subject.pool === pool;
}

function usedOf(ceilings: readonly PathCeiling[]): Map<string, bigint> {
  return integers(ceilings.map(({ resource, used }) => [resource, used]));
}

/** What is unlimited is not there. */
function limitsOf(ceilings: readonly PathCeiling[]): Map<string, bigint> {
  return integers(
    ceilings.flatMap(({ resource, limit }) => (limit === null ? [] : [[resource, limit] as const])),
  );
}

function integers(entries: Iterable<readonly [string, number]>): Map<string, bigint> {
  return new Map([...entries].map(([name, amount]) => [name, BigInt(amount)]));
}

function violationFacts(violations: readonly Violation[]) {
  const each = (values: readonly (string | null)[]) => [
    ...new Set(values.filter((value) => value !== null)),
  ];
  return {
    codes: each(violations.map(({ code }) => code)),
    resources: each(violations.map(({ resource }) => resource)),
    scopes: each(violations.map(({ scope }) => scopeText(scope))),
  };
}
