import type { Limit } from '../../src/domain/quota.ts';
import {
  answerBurst,
  dropBursts,
  linkJob,
  openFor,
  requestBurst,
  type BurstAsk,
  type BurstVerb,
} from './ledger-bursts.ts';
import { bestLift, type ModelBurst, type ModelBurstState } from './ledger-lifts.ts';
import { applyToPool, findPool, poolOf, type PoolShape } from './ledger-pools.ts';
import { promote, settle } from './ledger-queue.ts';
import {
  charged,
  decide,
  defaultLimits,
  endJob,
  isCharged,
  isLiving,
  lineOf,
  ownLimit,
  QUEUE_SECONDS,
  recordRejection,
  refuseIf,
  Refused,
  resources,
  usedIn,
  type Amounts,
  type LedgerModel,
  type ModelJob,
  type ModelLimit,
  type ModelPool,
  type ModelScheduling,
  type ModelState,
  type ModelTenant,
  type Reason,
  type ResourceName,
  type Verdict,
} from './ledger-rules.ts';

export interface AdmitCommand {
  readonly do: 'admit';
  readonly tenant: string;
  readonly pool: string;
  readonly amounts: Amounts;
  /** Null: as the settings say. */
  readonly onFull: 'reject' | 'queue' | null;
  readonly jobId: string | null;
  readonly key: string | null;
  readonly ttl: number | null;
  readonly queueTtl: number | null;
  readonly priority: number;
}

export interface BurstCommand extends BurstAsk {
  readonly do: 'burst';
  readonly tenant: string;
  readonly pool: string | null;
}

/** Jobs are named by their place among all that there ever were, counted around; -1 is the latest. */
export type LedgerCommand =
  | { do: 'create'; tenant: string; parent: string | null; weight: number }
  | { do: 'move'; tenant: string; parent: string | null; force: boolean }
  | { do: 'suspend' | 'resume'; tenant: string }
  | { do: 'delete'; tenant: string; cascade: boolean }
  | { do: 'set'; tenant: string; pool: string | null; resource: ResourceName; limit: Limit }
  | { do: 'unset'; tenant: string; pool: string | null; resource: ResourceName }
  | { do: 'createPool' | 'updatePool'; pool: string; shape: PoolShape }
  | { do: 'hold' | 'unhold' | 'deletePool'; pool: string }
  | AdmitCommand
  | { do: 'resize'; job: number; amounts: Amounts }
  | { do: 'release' | 'cancel'; job: number }
  | { do: 'renew'; job: number; ttl: number | null }
  | BurstCommand
  | { do: BurstVerb; burst: number; by: string }
  | { do: 'look'; tenant: string; pool: string | null }
  | { do: 'advance'; seconds: number }
  | { do: 'restart' };

/** What hodei should answer. */
export interface ModelAnswer {
  readonly state?: ModelState | ModelBurstState | 'rejected' | undefined;
  readonly isReplayed?: boolean;
  readonly code?: string | undefined;
  readonly isRetryable?: boolean | undefined;
  readonly violations?: readonly Reason[];
  /** Of a change that makes room: which waiting jobs it started. */
  readonly started?: readonly ModelJob[];
  /** What came into being, whose id hodei gives. */
  readonly made?: ModelJob | ModelTenant | ModelBurst;
  /** The session that was opened for it. */
  readonly opened?: ModelBurst | undefined;
}

export function newModel(now: number, scheduling: ModelScheduling): LedgerModel {
  const pool = poolOf('default', 0, {});
  return {
    ...{ scheduling, now, tenants: [], pools: [pool], limits: [], jobs: [], kept: [] },
    bursts: [],
    ...{ keys: new Map(), rejections: new Map() },
    events: [{ operation: 'config.apply', object: 'config' }],
  };
}

/** Does a command to the model. @throws Refused with the code that hodei should answer. */
export function apply(model: LedgerModel, command: LedgerCommand): ModelAnswer {
  if (command.do === 'advance') model.now += command.seconds * 1000;
  if (command.do === 'advance' || command.do === 'restart' || command.do === 'look') return {};
  settle(model);
  switch (command.do) {
    case 'create':
    case 'move':
    case 'suspend':
    case 'resume':
    case 'delete':
      return applyToTenant(model, command);
    case 'set':
    case 'unset':
      return applyToLimit(model, command);
    case 'createPool':
    case 'updatePool':
    case 'hold':
    case 'unhold':
    case 'deletePool':
      return applyToPool(model, command);
    case 'admit':
      return admit(model, command);
    case 'burst':
    case 'approve':
    case 'deny':
    case 'cancelBurst':
    case 'endBurst':
      return applyToBurst(model, command);
    case 'resize':
    case 'release':
    case 'cancel':
    case 'renew':
      return applyToJob(model, command);
  }
}

/** The command of one of these verbs. */
export type Doing<Verb extends LedgerCommand['do']> = Extract<LedgerCommand, { do: Verb }>;

function applyToTenant(
  model: LedgerModel,
  command: Doing<'create' | 'move' | 'suspend' | 'resume' | 'delete'>,
): ModelAnswer {
  if (command.do === 'create') return create(model, command);
  const tenant = findTenant(model, command.tenant);
  if (command.do === 'move') return move(model, tenant, command);
  if (command.do === 'delete') {
    const ofIt = model.jobs.filter((job) => isLiving(job) && job.tenant === tenant);
    const isEmpty = ofIt.length === 0 && childrenOf(model, tenant).length === 0;
    refuseIf(!command.cascade && !isEmpty, 'conflict');
    remove(model, tenant);
    promote(model);
    return {};
  }
  const isSuspended = command.do === 'suspend';
  if (tenant.isSuspended === isSuspended) return {};
  tenant.isSuspended = isSuspended;
  model.events.push({ operation: `tenant.${command.do}`, object: tenant });
  promote(model);
  return {};
}

function create(
  model: LedgerModel,
  { tenant: name, parent, weight }: Doing<'create'>,
): ModelAnswer {
  refuseIf(
    model.tenants.some((tenant) => tenant.name === name),
    'conflict',
  );
  const above = parent === null ? null : findTenant(model, parent);
  const made: ModelTenant = { id: '', name, parent: above, weight, isSuspended: false };
  model.tenants.push(made);
  model.events.push({ operation: 'tenant.create', object: made });
  return { made };
}

function move(
  model: LedgerModel,
  tenant: ModelTenant,
  { parent, force }: Doing<'move'>,
): ModelAnswer {
  const above = parent === null ? null : findTenant(model, parent);
  const line = above === null ? [] : lineOf(above);
  refuseIf(line.includes(tenant), 'conflict');
  if (tenant.parent === above) return {};
  const joined = line.filter((each) => !lineOf(tenant).includes(each));
  refuseIf(!force && joined.some((each) => wouldBeOver(model, each, tenant)), 'conflict');
  tenant.parent = above;
  // Nothing is kept where a job is not charged any more.
  model.kept = model.kept.filter(
    ({ job, tenant: at }) => at === null || lineOf(job.tenant).includes(at),
  );
  model.events.push({ operation: 'tenant.update', object: tenant });
  promote(model);
  return {};
}

/** Whether all that is used below the moved tenant is too much for one that it comes to. */
function wouldBeOver(model: LedgerModel, above: ModelTenant, moved: ModelTenant): boolean {
  return [null, ...model.pools].some((pool) =>
    resources.some((resource) => {
      const carried = usedIn(model, { tenant: moved, pool }, resource);
      const scope = { tenant: above, pool };
      const unset = pool === null ? defaultLimits[resource] : null;
      const own = ownLimit(model, scope, resource);
      const written = own === undefined ? unset : own.limit;
      const limit = bestLift(model, scope, resource, written)?.limit ?? written ?? Infinity;
      return carried > 0 && usedIn(model, scope, resource) + carried > limit;
    }),
  );
}

function childrenOf({ tenants }: LedgerModel, parent: ModelTenant): ModelTenant[] {
  const children = tenants.filter((tenant) => tenant.parent === parent);
  return children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Leaf first; what runs is evicted, and what waits is cancelled. */
function remove(model: LedgerModel, tenant: ModelTenant): void {
  for (const child of childrenOf(model, tenant)) remove(model, child);
  for (const job of model.jobs) {
    if (job.tenant !== tenant || !isLiving(job)) continue;
    endJob(model, job, job.state === 'admitted' ? 'evicted' : 'cancelled');
  }
  dropBursts(
    model,
    model.bursts.filter((burst) => burst.tenant === tenant),
  );
  model.tenants = model.tenants.filter((each) => each !== tenant);
  model.limits = model.limits.filter((each) => each.tenant !== tenant);
  model.events.push({ operation: 'tenant.delete', object: tenant });
}

function applyToBurst(model: LedgerModel, command: Doing<'burst' | BurstVerb>): ModelAnswer {
  if (command.do === 'burst') {
    const tenant = findTenant(model, command.tenant);
    const pool = command.pool === null ? null : findPool(model, command.pool);
    const made = requestBurst(model, { tenant, pool }, command);
    const { state } = made;
    promote(model);
    return { state, made };
  }
  const burst = burstAt(model, command.burst);
  if (burst === undefined) throw new Error('there is no session yet');
  answerBurst(model, burst, command.do, command.by);
  const { state } = burst;
  promote(model);
  return { state };
}

export function burstAt({ bursts }: LedgerModel, place: number): ModelBurst | undefined {
  return bursts.at(place % bursts.length);
}

function applyToLimit(model: LedgerModel, command: Doing<'set' | 'unset'>): ModelAnswer {
  const { resource } = command;
  const tenant = findTenant(model, command.tenant);
  const pool = command.pool === null ? null : findPool(model, command.pool);
  const own = ownLimit(model, { tenant, pool }, resource);
  const others = model.limits.filter((each) => each !== own);
  if (command.do === 'set') {
    const { limit } = command;
    if (own !== undefined && own.limit === limit) return { started: [] };
    const changed: ModelLimit = { tenant, pool, resource, limit };
    model.limits = [...others, changed];
  } else {
    if (own === undefined) return { started: [] };
    model.limits = others;
  }
  model.events.push({ operation: `quota.${command.do}`, object: tenant });
  return { started: promote(model) };
}

function admit(model: LedgerModel, command: AdmitCommand): ModelAnswer {
  const { jobId, ttl, key, priority } = command;
  const tenant = findTenant(model, command.tenant);
  const pool = findPool(model, command.pool);
  const amounts = charged(command.amounts, pool);
  const asked = JSON.stringify([tenant.id, pool.name, amounts, jobId, ttl, priority]);
  const replayed = findReplayed(model, tenant, command, asked);
  if (replayed !== undefined) return { state: replayed.state, isReplayed: true };
  const demand = { tenant, pool, amounts };
  const decided = decide(model, demand);
  const { policy, secondChoice } = model.scheduling.burst;
  const wanted = command.onFull ?? policy;
  const isLent = decided.outcome === 'rejected' && wanted === 'burst';
  const opened = isLent ? openFor(model, demand, decided) : undefined;
  const onFull = wanted === 'burst' ? secondChoice : wanted;
  const isRefused = onFull === 'reject' || decided.isRetryable === false;
  const isFull = !isRefused && isQueueFull(model, pool);
  const isShut = decided.outcome === 'rejected' && isFull;
  const verdict =
    opened !== undefined ? decide(model, demand) : isShut ? withFullQueue(decided, pool) : decided;
  if (verdict.outcome === 'rejected' && (isRefused || isFull)) {
    recordRejection(model, demand, verdict);
    return answerOf('rejected', verdict);
  }
  const state = verdict.outcome === 'admitted' ? 'admitted' : 'queued';
  const queueTtl = command.queueTtl ?? QUEUE_SECONDS;
  const seconds = state === 'admitted' ? ttl : queueTtl;
  const job: ModelJob = {
    ...{ id: '', tenant, pool, jobId, state, amounts, ttl, queueTtl, asked },
    ...{ isClaimDue: false, endedAt: null, priority, requestedAt: model.now },
    admittedAt: state === 'admitted' ? model.now : null,
    dueAt: seconds === null ? null : model.now + seconds * 1000,
  };
  if (state === 'admitted') {
    linkJob(model, job, (scope, resource) => usedIn(model, scope, resource), amounts);
  }
  model.jobs.push(job);
  if (key !== null) model.keys.set(key, { job, asked });
  model.events.push({ operation: state === 'admitted' ? 'job.admit' : 'job.queue', object: job });
  if (opened !== undefined) promote(model);
  return { ...answerOf(state, verdict), made: job, opened };
}

function isQueueFull({ scheduling, jobs }: LedgerModel, pool: ModelPool): boolean {
  const waiting = jobs.filter((job) => job.state === 'queued' && job.pool === pool);
  return waiting.length >= (scheduling.maxQueue ?? Infinity);
}

function withFullQueue(verdict: Verdict, pool: ModelPool): Verdict {
  const none = { resource: null, limit: null, base: null, used: null };
  const numbers = { ...none, requested: null, overBy: null };
  const full = { scope: `-/${pool.name}`, ...numbers, code: 'queue_full' };
  return { ...verdict, code: 'queue_full', violations: [...verdict.violations, full] };
}

function answerOf(state: ModelState | 'rejected', verdict: Verdict): ModelAnswer {
  if (verdict.outcome === 'admitted') return { state };
  const { code, isRetryable, violations } = verdict;
  return { state, code, isRetryable, violations };
}

const KEY_MEMORY_MS = 24 * 60 * 60 * 1000;

/** The job that an earlier request of the same name or key brought about. */
function findReplayed(
  model: LedgerModel,
  tenant: ModelTenant,
  { jobId, key }: AdmitCommand,
  asked: string,
): ModelJob | undefined {
  const named = model.jobs.findLast((job) => job.tenant === tenant && job.jobId === jobId);
  const byName = jobId === null || named === undefined ? undefined : { job: named };
  const byKey = key === null ? undefined : model.keys.get(key);
  for (const found of [byKey, byName]) {
    if (found === undefined) continue;
    const { job } = found;
    const isOver = !isLiving(job);
    if (isOver && model.now - (job.endedAt ?? 0) >= KEY_MEMORY_MS) continue;
    refuseIf(isOver || job.asked !== asked, 'conflict');
    return job;
  }
  return undefined;
}

function applyToJob(
  model: LedgerModel,
  command: Doing<'resize' | 'release' | 'cancel' | 'renew'>,
): ModelAnswer {
  const job = jobAt(model, command.job);
  if (job === undefined) throw new Error('there is no job yet');
  const { state } = job;
  switch (command.do) {
    case 'release':
    case 'cancel': {
      const wanted = command.do === 'release' ? 'admitted' : 'queued';
      if (!isLiving(job)) return { state, isReplayed: true };
      refuseIf(state !== wanted, 'conflict');
      endJob(model, job, command.do === 'release' ? 'released' : 'cancelled');
      promote(model);
      return { state: job.state };
    }
    case 'renew': {
      refuseIf(!isLiving(job), 'conflict');
      job.ttl = command.ttl ?? job.ttl;
      const seconds = state === 'queued' ? job.queueTtl : job.ttl;
      job.dueAt = seconds === null ? null : model.now + seconds * 1000;
      job.isClaimDue = false;
      model.events.push({ operation: 'job.renew', object: job });
      return { state };
    }
    case 'resize':
      refuseIf(state !== 'admitted', 'conflict');
      return resize(model, job, command.amounts);
  }
}

function resize(model: LedgerModel, job: ModelJob, named: Amounts): ModelAnswer {
  const { tenant, pool, amounts: before } = job;
  const { gpu, ...rest } = before;
  // What follows from kinds follows anew.
  const own = before['gpu.big'] !== undefined || gpu === undefined ? rest : { ...rest, gpu };
  const whole = charged({ ...own, ...named }, pool, own);
  const growth: Amounts = {};
  for (const resource of resources) {
    const more = (whole[resource] ?? 0) - (before[resource] ?? 0);
    if (more !== 0) growth[resource] = more;
  }
  if (Object.keys(growth).length === 0) return { state: job.state, isReplayed: true };
  const demand = { tenant, pool, amounts: growth, whole };
  const grows = Object.values(growth).some((more) => more > 0);
  const verdict = decide(model, demand);
  if (grows && verdict.outcome === 'rejected') {
    recordRejection(model, demand, verdict);
    return answerOf('rejected', verdict);
  }
  linkJob(model, job, (scope, resource) => usedIn(model, scope, resource), growth);
  job.amounts = whole;
  model.events.push({ operation: 'job.resize', object: job });
  promote(model);
  return { state: job.state };
}

export function jobAt({ jobs }: LedgerModel, place: number): ModelJob | undefined {
  return jobs.at(place % jobs.length);
}

function findTenant({ tenants }: LedgerModel, name: string): ModelTenant {
  const tenant = tenants.find((each) => each.name === name);
  if (tenant === undefined) throw new Refused('not_found');
  return tenant;
}

/** What every scope uses of every resource, where it is not nothing: `acme/- cpu_m 3`. */
export function balancesOf(model: LedgerModel): string[] {
  const { tenants, pools } = model;
  const ofTenants = tenants.flatMap((tenant) => [null, ...pools].map((pool) => ({ tenant, pool })));
  const scopes = [...ofTenants, ...pools.map((pool) => ({ tenant: null, pool }))];
  const rows = scopes.flatMap((scope) =>
    model.jobs.some((job) => isCharged(job, scope))
      ? resources.map((resource) => [scope, resource, usedIn(model, scope, resource)] as const)
      : [],
  );
  return rows
    .filter(([, , used]) => used > 0)
    .map(([{ tenant, pool }, resource, used]) => {
      return `${tenant?.name ?? '-'}/${pool?.name ?? '-'} ${resource} ${used}`;
    })
    .sort();
}
