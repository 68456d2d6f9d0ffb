import { linkJob, settleBursts } from './ledger-bursts.ts';
import {
  ceilingOf,
  CLAIM_SECONDS,
  decide,
  endJob,
  resources,
  scopesOf,
  usedIn,
  type LedgerModel,
  type ModelJob,
  type ModelKept,
  type ModelPool,
  type ModelTenant,
} from './ledger-rules.ts';

/** Whenever there may be room: of those who fit the first in the order is started, until none fits. */
export function promote(model: LedgerModel): ModelJob[] {
  const started: ModelJob[] = [];
  for (;;) {
    const fitting = model.jobs.filter(
      (job) => job.state === 'queued' && decide(model, job).outcome === 'admitted',
    );
    const job = firstOf(model, fitting);
    if (job === undefined) return started;
    linkJob(model, job, (scope, resource) => usedIn(model, scope, resource), job.amounts);
    job.state = 'admitted';
    job.admittedAt = model.now;
    job.isClaimDue = true;
    job.dueAt = model.now + CLAIM_SECONDS * 1000;
    model.kept = model.kept.filter((row) => row.job !== job);
    model.events.push({ operation: 'job.promote', object: job });
    started.push(job);
  }
}

/** What every change does first. */
export function settle(model: LedgerModel): void {
  const due = model.jobs.filter((job) => job.dueAt !== null && job.dueAt <= model.now);
  const longestAgoFirst = due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
  for (const job of longestAgoFirst) endJob(model, job, 'expired');
  settleBursts(model);
  promote(model);
  model.kept = model.pools.flatMap((pool) => keptIn(model, pool));
  promote(model);
}

/** What shall be kept in a pool: for the oldest that lacks only what others than its tenant hold. */
function keptIn(model: LedgerModel, pool: ModelPool): ModelKept[] {
  const { threshold } = model.scheduling;
  if (threshold === null) return [];
  for (const job of model.jobs) {
    const isLate = job.state === 'queued' && model.now - job.requestedAt >= threshold;
    if (job.pool !== pool || !isLate) continue;
    const verdict = decide(model, job);
    if (verdict.code === 'impossible') continue;
    // Nothing starts there.
    if (verdict.violations.some(({ resource }) => resource === null)) continue;
    // Nor would it fit if nothing else ran.
    if (verdict.violations.some(({ limit, requested }) => (requested ?? 0) > (limit ?? 0)))
      continue;
    const lacking = scopesOf(job.tenant, pool).filter((scope) => {
      const name = `${scope.tenant?.name ?? '-'}/${scope.pool?.name ?? '-'}`;
      return verdict.violations.some((each) => each.scope === name);
    });
    if (lacking.length === 0 || lacking.some(({ tenant }) => tenant === job.tenant)) continue;
    return lacking.flatMap((scope) =>
      resources
        .filter((resource) => job.amounts[resource] !== undefined)
        .map((resource) => ({ ...scope, job, resource, amount: job.amounts[resource] ?? 0 })),
    );
  }
  return [];
}

function firstOf(model: LedgerModel, jobs: readonly ModelJob[]): ModelJob | undefined {
  const { strategy } = model.scheduling;
  const ofPools = model.pools.map((pool) => {
    const inPool = jobs.filter((job) => job.pool === pool);
    if (strategy === 'fifo') return inPool[0];
    return strategy === 'priority' ? urgent(inPool) : fairest(model, pool, null, inPool);
  });
  return oldest(model, ofPools);
}

/** Of jobs in the order of age. */
function urgent(jobs: readonly ModelJob[]): ModelJob | undefined {
  return [...jobs].sort((a, b) => b.priority - a.priority)[0];
}

function oldest(
  { jobs }: LedgerModel,
  some: readonly (ModelJob | undefined)[],
): ModelJob | undefined {
  const places = some.flatMap((job) => (job === undefined ? [] : [jobs.indexOf(job)]));
  return places.length === 0 ? undefined : jobs[Math.min(...places)];
}

/** Of jobs at and below a tenant: at each level the lowest weighted dominant share, then the oldest. */
function fairest(
  model: LedgerModel,
  pool: ModelPool,
  under: ModelTenant | null,
  jobs: readonly ModelJob[],
): ModelJob | undefined {
  const own = jobs.filter(({ tenant }) => tenant === under);
  const children = model.tenants.filter(({ parent }) => parent === under);
  const entries = children.map((child) => {
    const below = jobs.filter(({ tenant }) => isBelow(tenant, child));
    return { share: shareOf(model, pool, child, child.weight), first: () => below, child };
  });
  const ofChildren = entries
    .filter(({ first }) => first().length > 0)
    .map(({ share, first, child }) => ({ share, job: fairest(model, pool, child, first()) }));
  const all =
    under === null || own.length === 0
      ? ofChildren
      : [...ofChildren, { share: shareOfOwn(model, pool, under), job: urgent(own) }];
  const least = Math.min(...all.map(({ share }) => share));
  return oldest(
    model,
    all.filter(({ share }) => share === least).map(({ job }) => job),
  );
}

function isBelow(tenant: ModelTenant, above: ModelTenant): boolean {
  return tenant === above || (tenant.parent !== null && isBelow(tenant.parent, above));
}

function shareOf(model: LedgerModel, pool: ModelPool, tenant: ModelTenant, weight: number): number {
  return dominant(model, pool, weight, (resource) => usedIn(model, { tenant, pool }, resource));
}

function shareOfOwn(model: LedgerModel, pool: ModelPool, tenant: ModelTenant): number {
  return dominant(model, pool, 1, (resource) =>
    model.jobs
      .filter((job) => job.state === 'admitted' && job.tenant === tenant && job.pool === pool)
      .reduce((sum, { amounts }) => sum + (amounts[resource] ?? 0), 0),
  );
}

function dominant(
  model: LedgerModel,
  pool: ModelPool,
  weight: number,
  used: (resource: (typeof resources)[number]) => number,
): number {
  const scope = { tenant: null, pool };
  const limits = resources.map((name) => ceilingOf(model, scope, name, null, 'size'));
  const isLimiting = limits.some((limit) => limit !== null);
  const parts = resources.map((name, i) => {
    const capacity = isLimiting ? (limits[i] ?? 0) : usedIn(model, scope, name);
    return capacity > 0 ? used(name) / capacity : 0;
  });
  return Math.round((Math.max(...parts) / weight) * 1e9) / 1e9;
}
