import { decide, type Decision, type Situation, type Violation } from '../domain/admission.ts';
import { monthOf } from '../domain/period.ts';
import { statusAsOf } from '../domain/pool.ts';
import {
  UNTIL_ALLOWED,
  UNTIL_OPEN,
  type PoolRow,
  type ResourceRow,
  type Tables,
  type TenantRow,
  type WaitingRow,
} from '../store/store.ts';
import { overrunsBy } from './budget-overruns.ts';
import { burstOffers } from './burst-offers.ts';
import type { Question } from './job-question.ts';
import {
  ceilingsOf,
  pathOf,
  scopeKeyOf,
  type CeilingOptions,
  type Path,
  type PathCeilings,
  type PathScope,
} from './ledger.ts';
import type { Context } from './operation.ts';
import { factsOf, rulesInForce } from './policy-rules.ts';
import { settingsInForce } from './settings-in-force.ts';

export { chargesOf, type Question } from './job-question.ts';

export type PathDecision = Decision<PathScope>;

/** What a job waits for. */
export type Obstacle = Omit<WaitingRow, 'job' | 'pool' | 'tenant' | 'priority'>;

/** A decision other than to admit. */
export type NotAdmitted = Exclude<PathDecision, { outcome: 'admitted' }>;

/** A decision, and all that it was made from. */
export interface Decided {
  readonly path: PathCeilings;
  readonly situation: Situation<PathScope>;
  readonly decision: PathDecision;
}

export interface DecideOptions extends CeilingOptions {
  readonly onFull: Situation['onFull'];
  /** Whether waiting jobs have to be looked at before a new one; not so for one of them. */
  readonly isNew: boolean;
}

type At = Pick<Context, 'tables' | 'now'>;

/** Loads all that a request touches, and lets the rules decide. */
export async function decideOn(
  { tables, now }: At,
  question: Question,
  options: DecideOptions,
): Promise<Decided> {
  const { tenant, pool, amounts, resources } = question;
  const at = { tables, now };
  const path = await ceilingsOf(at, await pathOf(tables, tenant, pool), resources, options);
  const poolScope = path.scopes.at(-1);
  const rules = await rulesOn(at, question, path, options);
  const isReading = options.overdue !== undefined;
  const situation: Situation<PathScope> = {
    amounts,
    ceilings: path.ceilings,
    overruns: await overrunsBy(at, question, path, { isReading }),
    pool: poolScope,
    suspended: suspendedScope(path),
    held: options.arePoolsOn && statusAsOf(pool, now) === 'held' ? poolScope : undefined,
    preceded: options.isNew && (await arePromotionsDue(tables, path)) ? poolScope : undefined,
    onFull: options.onFull,
    secondChoice: (await settingsInForce(tables)).secondChoice,
    offers: [],
    isQueueFull: options.isNew && (await isQueueFull(tables, pool)),
    ...rules,
  };
  const decision = decide(situation);
  // Only what would be refused is asked whether capacity could be lent to it.
  if (!options.isNew || decision.outcome === 'admitted') return { path, situation, decision };
  const offers = await burstOffers(at, question.tenant, path.scopes);
  if (offers.length === 0) return { path, situation, decision };
  // What is lent costs more.
  const overruns = await overrunsBy(at, question, path, { isBurst: true, isReading });
  if (overruns.length > 0) return { path, situation, decision };
  const lent = { ...situation, offers };
  return { path, situation: lent, decision: decide(lent) };
}

type AskedRules = Pick<Situation<PathScope>, 'verdict' | 'onViolation'>;

const noRules: AskedRules = { verdict: undefined, onViolation: () => undefined };

/** What the policy has to say. Of a job that waits already only whether it is still held back. */
async function rulesOn(
  { tables, now }: At,
  { pool, amounts, about }: Question,
  path: PathCeilings,
  { isNew }: DecideOptions,
): Promise<AskedRules> {
  const rules = about === undefined ? undefined : await rulesInForce(tables);
  if (about === undefined || rules === undefined) return noRules;
  const { labels, priority, jobId, ttlSeconds } = about;
  const asked = { pool, amounts, labels, priority, jobId, ttlSeconds };
  const facts = await factsOf(tables, asked, path, now);
  const verdict = rules.onRequest(facts);
  if (isNew) return { verdict, onViolation: (violations) => rules.onViolation(facts, violations) };
  return verdict?.action === 'queue' ? { ...noRules, verdict } : noRules;
}

async function isQueueFull(tables: Tables, pool: PoolRow): Promise<boolean> {
  const { scheduling } = await settingsInForce(tables);
  const { maxQueueSize } = scheduling;
  return maxQueueSize !== null && (await tables.waiting.countIn(pool.key)) >= maxQueueSize;
}

/** Whether nothing that is overdue could make the answer another one. */
export function isLasting({ decision }: Decided): boolean {
  return decision.outcome === 'admitted' || !decision.isRetryable;
}

function suspendedScope({ line, scopes }: Path): PathScope | undefined {
  const suspended = line.find(({ status }) => status === 'suspended');
  return suspended && scopes.find(({ subject }) => subject.tenant === suspended.key);
}

/** So many places with new room are remembered, rarely more than a few. */
const WAKEUPS_LOOKED_AT = 1_000;

/** Room appeared on the path, and not every waiting job has been looked at since. */
async function arePromotionsDue(tables: Tables, { scopes }: Path): Promise<boolean> {
  if (!(await tables.wakeups.isAny())) return false;
  const wakeups = await tables.wakeups.list(WAKEUPS_LOOKED_AT);
  return wakeups.some(({ scope }) => scopes.some(({ key }) => key === scope));
}

/** So long after a rule held a job back it is asked again: rules know the time to the minute. */
const ASKED_AGAIN_MS = 60_000;

/** Whether others than the tenant hold what is lacking: in the pool, or under an ancestor. */
export function isSharedLack(
  { scope, requested, code }: Violation<PathScope>,
  tenant: Pick<TenantRow, 'key'>,
): boolean {
  return requested !== null && code !== 'over_budget' && scope.subject.tenant !== tenant.key;
}

/** What a job waits for: the first thing that stands against it. Its scope gets a row. */
export async function obstacleOf(
  at: At,
  { tenant }: Pick<Question, 'tenant'>,
  violations: readonly Violation<PathScope>[],
  catalogue: readonly ResourceRow[],
): Promise<Obstacle> {
  const [first] = violations;
  if (first === undefined) throw new Error('nothing stands against a job that has to wait');
  const { scope, requested, code } = first;
  // What is no matter of amount is waited for at the one resource of every job.
  const name = first.resource ?? 'jobs';
  const resource = catalogue.find((each) => each.name === name);
  if (resource === undefined) throw new Error(`the catalogue has no ${name}`);
  const isRule = code === 'policy';
  const isMoney = code === 'over_budget';
  return {
    scope: scope.key ?? (await scopeKeyOf(at, scope.subject)),
    resource: resource.key,
    amount: isRule || isMoney ? UNTIL_ALLOWED : (requested ?? UNTIL_OPEN),
    isShared: isSharedLack(first, tenant),
    // A new month brings a new budget.
    lookAt: isRule ? at.now + ASKED_AGAIN_MS : isMoney ? monthOf(at.now).to : null,
  };
}
