import type { Limit } from '../../src/domain/quota.ts';
import { bestLift, freeLimit, type ModelBurst, type ModelBurstRules } from './ledger-lifts.ts';

/** The resources of the model, in the order of the catalogue. */
export const resources = ['cpu_m', 'gpu', 'jobs', 'gpu.big'] as const;

export type ResourceName = (typeof resources)[number];

/** The limit of a tenant for which none was set. */
export const defaultLimits: Readonly<Record<ResourceName, Limit>> = {
  cpu_m: 4,
  gpu: null,
  jobs: null,
  'gpu.big': null,
};

export const CLAIM_SECONDS = 300;
export const QUEUE_SECONDS = 1_000;
/** So long a rejection is the same as one before it. */
const ALIKE_MS = 60_000;

export type Amounts = Partial<Record<ResourceName, number>>;

export interface ModelTenant {
  id: string;
  name: string;
  parent: ModelTenant | null;
  weight: number;
  isSuspended: boolean;
}

export interface ModelPool {
  /** Tells it from one of the same name before it. */
  id: number;
  name: string;
  type: 'static' | 'dynamic';
  minSize: number;
  maxSize: number;
  size: number;
  isHeld: boolean;
  perWorker: Amounts;
  maxJobs: Limit;
  maxJobsPerTenant: Limit;
}

export type ModelState = 'queued' | 'admitted' | 'released' | 'expired' | 'evicted' | 'cancelled';

export interface ModelJob {
  id: string;
  tenant: ModelTenant;
  pool: ModelPool;
  jobId: string | null;
  state: ModelState;
  priority: number;
  requestedAt: number;
  admittedAt: number | null;
  amounts: Amounts;
  ttl: number | null;
  queueTtl: number;
  dueAt: number | null;
  isClaimDue: boolean;
  endedAt: number | null;
  /** What was asked, by which a retry is told from another request. */
  asked: string;
}

export interface ModelLimit {
  tenant: ModelTenant;
  pool: ModelPool | null;
  resource: ResourceName;
  limit: Limit;
}

/** Who goes next, for whom room is kept from when on, and how many may wait in a pool. */
export interface ModelScheduling {
  readonly strategy: 'fifo' | 'priority' | 'weighted_fair';
  readonly threshold: number | null;
  readonly maxQueue: Limit;
  readonly burst: ModelBurstRules;
}

/** Room that is kept for a job that has waited too long. */
export interface ModelKept extends ModelScope {
  readonly job: ModelJob;
  readonly resource: ResourceName;
  readonly amount: number;
}

/** What hodei should remember, in the plainest form: nothing is summed up, and nothing is indexed. */
export interface LedgerModel {
  scheduling: ModelScheduling;
  now: number;
  kept: ModelKept[];
  /** Those that are there. */
  tenants: ModelTenant[];
  pools: ModelPool[];
  limits: ModelLimit[];
  /** All that there ever were, in the order of their requests. */
  jobs: ModelJob[];
  /** All that there ever were, the oldest first. */
  bursts: ModelBurst[];
  keys: Map<string, { job: ModelJob; asked: string }>;
  /** When each kind of rejection was last written down. */
  rejections: Map<string, number>;
  /** Every change: what was done, and to what. */
  events: { operation: string; object: { readonly id: string } | string }[];
}

export interface ModelScope {
  readonly tenant: ModelTenant | null;
  readonly pool: ModelPool | null;
}

/** A request, or what a job asks for while it waits; of a resize what it grows by. */
export interface Demand {
  readonly tenant: ModelTenant;
  readonly pool: ModelPool;
  readonly amounts: Amounts;
  /** Where it differs: all that it would hold then. */
  readonly whole?: Amounts;
}

/** What is kept there for others than the asker; of two holders the older does not mind the younger. */
function keptIn(
  { kept, jobs }: LedgerModel,
  scope: ModelScope,
  resource: ResourceName,
  asker: Demand,
): number {
  const age = jobs.indexOf(asker as ModelJob);
  const isHolder = kept.some(({ job }) => job === asker);
  return kept
    .filter((row) => row.tenant === scope.tenant && row.pool === scope.pool)
    .filter((row) => row.resource === resource && row.job !== asker)
    .filter(({ job }) => !isHolder || jobs.indexOf(job) < age)
    .reduce((sum, { amount }) => sum + amount, 0);
}

/** Why a request was not admitted; numbers where it is a matter of amount. */
export interface Reason {
  readonly scope: string;
  readonly resource: ResourceName | null;
  readonly limit: number | null;
  /** The limit without the session that lifts it. */
  readonly base: number | null;
  readonly used: number | null;
  readonly requested: number | null;
  readonly overBy: number | null;
  readonly code: string;
}

export interface Verdict {
  readonly outcome: 'admitted' | 'rejected';
  readonly code?: string;
  readonly isRetryable?: boolean;
  readonly violations: readonly Reason[];
}

export class Refused extends Error {}

export function refuseIf(condition: boolean, code: string): void {
  if (condition) throw new Refused(code);
}

/** The tenant and those above it, nearest first. */
export function lineOf(tenant: ModelTenant): ModelTenant[] {
  return tenant.parent === null ? [tenant] : [tenant, ...lineOf(tenant.parent)];
}

export function isLiving({ state }: ModelJob): boolean {
  return state === 'queued' || state === 'admitted';
}

/** All that a job of the tenant in the pool charges. */
export function scopesOf(tenant: ModelTenant, pool: ModelPool): ModelScope[] {
  const own = lineOf(tenant).flatMap((each) => [
    { tenant: each, pool: null },
    { tenant: each, pool },
  ]);
  return [...own, { tenant: null, pool }];
}

/** Whether what the job holds counts there. */
export function isCharged(job: ModelJob, { tenant, pool }: ModelScope): boolean {
  if (job.state !== 'admitted' || (pool !== null && job.pool !== pool)) return false;
  return tenant === null || lineOf(job.tenant).includes(tenant);
}

/** The sum over all live jobs, each time. */
export function usedIn({ jobs }: LedgerModel, scope: ModelScope, resource: ResourceName): number {
  return jobs
    .filter((job) => isCharged(job, scope))
    .reduce((sum, { amounts }) => sum + (amounts[resource] ?? 0), 0);
}

export function ownLimit(
  { limits }: LedgerModel,
  { tenant, pool }: ModelScope,
  resource: ResourceName,
): ModelLimit | undefined {
  return limits.find(
    (each) => each.tenant === tenant && each.pool === pool && each.resource === resource,
  );
}

/** The ceiling in force for a job of the tenant, or the highest that it can become by itself. */
export function ceilingOf(
  model: LedgerModel,
  scope: ModelScope,
  resource: ResourceName,
  asker: ModelTenant | null,
  size: 'size' | 'maxSize',
): Limit {
  const written = ownLimitOf(model, scope, resource, asker, size);
  const present = bestLift(model, scope, resource, written)?.limit ?? written;
  if (size === 'size' || present === null) return present;
  return Math.max(present, freeLimit(model, scope, written) ?? 0);
}

/** What is written, without any session. */
export function ownLimitOf(
  model: LedgerModel,
  scope: ModelScope,
  resource: ResourceName,
  asker: ModelTenant | null,
  size: 'size' | 'maxSize' = 'size',
): Limit {
  const own = ownLimit(model, scope, resource);
  if (own !== undefined) return own.limit;
  const { tenant, pool } = scope;
  if (pool === null) return defaultLimits[resource];
  if (tenant !== null) {
    return resource === 'jobs' && tenant === asker ? pool.maxJobsPerTenant : null;
  }
  if (resource === 'jobs') return pool.maxJobs;
  const each = pool.perWorker[resource];
  return each === undefined ? null : each * pool[size];
}

/** Decides a request by the ladder, from nothing but the tenants, limits and live jobs. */
export function decide(model: LedgerModel, demand: Demand): Verdict {
  const { tenant, pool, amounts, whole } = demand;
  const suspended = lineOf(tenant).find(({ isSuspended }) => isSuspended);
  if (suspended !== undefined) {
    return rejected([reasonOf({ tenant: suspended, pool: null }, 'suspended')]);
  }
  const over: Reason[] = [];
  const impossible: Reason[] = [];
  for (const scope of scopesOf(tenant, pool)) {
    for (const resource of resources) {
      const requested = amounts[resource] ?? 0;
      if (requested <= 0) continue;
      const limit = ceilingOf(model, scope, resource, tenant, 'size') ?? Infinity;
      const most = ceilingOf(model, scope, resource, tenant, 'maxSize') ?? Infinity;
      const used = usedIn(model, scope, resource);
      const all = whole?.[resource] ?? requested;
      const written = ownLimitOf(model, scope, resource, tenant);
      const base = bestLift(model, scope, resource, written) === undefined ? null : written;
      const place = { scope: nameOf(scope), resource, base, used };
      const full = scope.tenant === null ? 'over_capacity' : 'over_quota';
      const by = used + keptIn(model, scope, resource, demand) + requested - limit;
      const code = used + requested <= limit ? 'reserved' : full;
      if (by > 0)
        over.push({
          ...place,
          limit,
          requested,
          overBy: Math.max(0, used + requested - limit),
          code,
        });
      if (all <= most) continue;
      const beyond = { limit: most, requested: all, overBy: all - most, code: 'impossible' };
      impossible.push({ ...place, ...beyond });
    }
  }
  if (impossible.length > 0) return rejected(impossible);
  if (pool.isHeld) over.push(reasonOf({ tenant: null, pool }, 'pool_held'));
  return over.length > 0 ? rejected(over) : { outcome: 'admitted', violations: [] };
}

function rejected(violations: readonly Reason[]): Verdict {
  const code = violations[0]?.code ?? '';
  const isRetryable = code !== 'suspended' && code !== 'impossible';
  return { outcome: 'rejected', code, isRetryable, violations };
}

function reasonOf(scope: ModelScope, code: string): Reason {
  const none = { resource: null, limit: null, base: null, used: null };
  return { scope: nameOf(scope), ...none, requested: null, overBy: null, code };
}

export function nameOf({ tenant, pool }: ModelScope): string {
  return `${tenant?.name ?? '-'}/${pool?.name ?? '-'}`;
}

/** What a request charges: at least one job, and for each kind the same of what it is a kind of. */
export function charged(asked: Amounts, pool: ModelPool, before: Amounts = {}): Amounts {
  const positive = resources.filter((resource) => (asked[resource] ?? 0) > 0);
  refuseIf(positive.length === 0, 'invalid');
  const kinds = asked['gpu.big'] ?? 0;
  if (positive.includes('gpu')) {
    const grows = (asked.gpu ?? 0) > (before.gpu ?? 0);
    refuseIf((grows && pool.perWorker['gpu.big'] !== undefined) || kinds > 0, 'invalid');
  }
  const amounts: Amounts = {};
  for (const resource of resources) {
    const more = resource === 'gpu' ? kinds : 0;
    const amount = (asked[resource] ?? 0) + more;
    if (amount > 0) amounts[resource] = amount;
  }
  return inOrder({ ...amounts, jobs: amounts.jobs ?? 1 });
}

function inOrder(amounts: Amounts): Amounts {
  const entries = resources.map((resource) => [resource, amounts[resource]] as const);
  return Object.fromEntries(entries.filter(([, amount]) => amount !== undefined));
}

export function endJob(
  model: LedgerModel,
  job: ModelJob,
  state: 'released' | 'expired' | 'evicted' | 'cancelled',
): void {
  const verbs = { released: 'release', expired: 'expire', evicted: 'evict', cancelled: 'cancel' };
  // Who lets the lease run out has held it until then, whenever that is noticed.
  const endedAt = state === 'expired' ? job.dueAt : model.now;
  Object.assign(job, { state, dueAt: null, isClaimDue: false, endedAt });
  model.kept = model.kept.filter((row) => row.job !== job);
  for (const burst of model.bursts) burst.jobs = burst.jobs.filter((each) => each !== job);
  model.events.push({ operation: `job.${verbs[state]}`, object: job });
}

/** Identical rejections within a minute are one. */
export function recordRejection(model: LedgerModel, demand: Demand, verdict: Verdict): void {
  const { tenant, pool, amounts, whole } = demand;
  const reasons = verdict.violations.map(({ scope, resource, code }) => [scope, resource, code]);
  const alike = JSON.stringify([tenant.id, pool.id, whole ? { whole } : amounts, reasons]);
  const before = model.rejections.get(alike);
  if (before !== undefined && before >= model.now - ALIKE_MS) return;
  model.rejections.set(alike, model.now);
  model.events.push({ operation: 'job.reject', object: '*' });
}
