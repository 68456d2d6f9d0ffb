import type { OnFull } from './admission.ts';
import {
  burstCapacityDocument,
  burstCapacityOf,
  defaultBurstCapacity,
  type BurstCapacity,
  type BurstCapacityDocument,
  type BurstCapacityInput,
} from './burst-capacity.ts';
import {
  costTrackingDocument,
  costTrackingOf,
  defaultCostTracking,
  type CostTracking,
  type CostTrackingDocument,
  type CostTrackingInput,
} from './cost-tracking.ts';
import { kindOf } from './job.ts';
import type { Leaving, Loose } from './loose.ts';
import { DEFAULT_POOL_SIZE, type PoolDefinition, type PoolType } from './pool.ts';
import type { Limit } from './quota.ts';
import {
  defaultQuotaNotices,
  quotaNoticesDocument,
  quotaNoticesOf,
  type QuotaNotices,
  type QuotaNoticesDocument,
  type QuotaNoticesInput,
} from './quota-notice.ts';
import { builtInOf, builtInResources, byResource, limitField, type Resource } from './resource.ts';
import {
  defaultScheduling,
  schedulingDocument,
  schedulingOf,
  type Scheduling,
  type SchedulingDocument,
  type SchedulingInput,
} from './scheduling.ts';

export const violationPolicies = ['reject', 'queue', 'burst'] as const;

export type ViolationPolicy = (typeof violationPolicies)[number];

/** What follows where the first choice is burst, and no session can be opened. */
export const secondChoices = ['reject', 'queue'] as const satisfies readonly OnFull[];

/** What decides. It lives in the store under a revision number, the same for every process. */
export interface Settings {
  /** The catalogue: the built-in resources, then the configured ones in their order. */
  readonly resources: readonly Resource[];
  readonly resourcePools: {
    readonly enabled: boolean;
    /** What a pool is that does not say what it is. */
    readonly defaultPoolType: PoolType;
    readonly pools: readonly PoolDefinition[];
  };
  /** What a new tenant gets, by name of resource; one that is not here stays unset. */
  readonly defaultTenantQuota: Readonly<Record<string, Limit>>;
  /** What becomes of a job that does not fit now, where its request does not say it. */
  readonly violationPolicy: ViolationPolicy;
  readonly secondChoice: OnFull;
  /** When somebody is told that a limit is nearly reached. */
  readonly quotaNotices: QuotaNotices;
  readonly jobs: {
    /** The lease of a job that asks for none; null: it has none. */
    readonly defaultTtlSeconds: number | null;
    /** So long a job that was promoted waits for somebody who claims it. */
    readonly claimSeconds: number;
    /** So long a job waits that does not say how long. */
    readonly queueTtlSeconds: number;
  };
  readonly scheduling: Scheduling;
  readonly burstCapacity: BurstCapacity;
  readonly costTracking: CostTracking;
  /** Changes that nobody makes without saying why, by name. */
  readonly requireReason: readonly string[];
}

export const defaultSettings: Settings = {
  resources: builtInResources,
  resourcePools: { enabled: true, defaultPoolType: 'static', pools: [] },
  defaultTenantQuota: { cpu_m: 4000, memory_mb: 8192, gpu: 0, jobs: 10 },
  violationPolicy: 'reject',
  secondChoice: 'reject',
  quotaNotices: defaultQuotaNotices,
  jobs: { defaultTtlSeconds: null, claimSeconds: 300, queueTtlSeconds: 86_400 },
  scheduling: defaultScheduling,
  burstCapacity: defaultBurstCapacity,
  costTracking: defaultCostTracking,
  requireReason: [],
};

/** Settings as the config file, the API and the store write them; a limit of null is unlimited. */
export interface SettingsDocument {
  readonly resources: readonly ResourceDocument[];
  readonly resource_pools: {
    readonly enabled: boolean;
    readonly default_pool_type: PoolType;
    readonly pools: readonly PoolDocument[];
  };
  readonly multi_tenancy: {
    readonly default_tenant_quota: Readonly<Record<string, Limit>>;
    readonly quota_enforcement: {
      readonly violation_policy: ViolationPolicy;
      readonly second_choice: OnFull;
      readonly notices: QuotaNoticesDocument;
    };
  };
  readonly jobs: {
    readonly default_ttl_seconds: number | null;
    readonly claim_seconds: number;
    readonly queue_ttl_seconds: number;
  };
  readonly scheduling: SchedulingDocument;
  readonly burst_capacity: BurstCapacityDocument;
  readonly cost_tracking: CostTrackingDocument;
  readonly security: { readonly require_reason: readonly string[] };
}

export interface ResourceDocument {
  readonly name: string;
  readonly unit: string;
  readonly default_limit: Limit;
}

export interface PoolDocument {
  readonly id: string;
  readonly name: string;
  readonly type: PoolType;
  readonly min_size: number;
  readonly max_size: number;
  readonly provider: string | null;
  readonly resources: Readonly<Record<string, number>>;
  readonly quotas: { readonly max_concurrent_jobs: Limit; readonly max_jobs_per_tenant: Limit };
}

export type ResourceInput = Leaving<ResourceDocument, 'unit'>;

export interface PoolInput extends Loose<Omit<PoolDocument, 'id' | 'quotas'>> {
  readonly id: string;
  readonly quotas?: Loose<PoolDocument['quotas']> | undefined;
}

type QuotaEnforcementInput = Loose<
  Omit<SettingsDocument['multi_tenancy']['quota_enforcement'], 'notices'>
> & { readonly notices?: QuotaNoticesInput | undefined };

/**
 * The same as people may write it, and as the store has it from a time when there were fewer keys:
 * what is left out is as it is without a file.
 */
export interface SettingsInput {
  readonly resources: readonly ResourceInput[];
  readonly resource_pools?:
    | (Loose<Omit<SettingsDocument['resource_pools'], 'pools'>> & {
        readonly pools?: readonly PoolInput[] | undefined;
      })
    | undefined;
  readonly multi_tenancy: Pick<SettingsDocument['multi_tenancy'], 'default_tenant_quota'> & {
    readonly quota_enforcement?: QuotaEnforcementInput | undefined;
  };
  readonly jobs?: Loose<SettingsDocument['jobs']> | undefined;
  readonly scheduling?: SchedulingInput | undefined;
  readonly burst_capacity?: BurstCapacityInput | undefined;
  readonly cost_tracking?: CostTrackingInput | undefined;
  readonly security?: Loose<SettingsDocument['security']> | undefined;
}

export function settingsDocument(settings: Settings): SettingsDocument {
  const { resourcePools, jobs } = settings;
  const quota = Object.entries(settings.defaultTenantQuota);
  return {
    resources: settings.resources.map(({ name, unit, defaultLimit }) => ({
      name,
      unit,
      default_limit: defaultLimit,
    })),
    resource_pools: {
      enabled: resourcePools.enabled,
      default_pool_type: resourcePools.defaultPoolType,
      pools: resourcePools.pools.map(poolDocument),
    },
    multi_tenancy: {
      default_tenant_quota: Object.fromEntries(
        quota.map(([name, limit]) => [limitField(name), limit]),
      ),
      quota_enforcement: {
        violation_policy: settings.violationPolicy,
        second_choice: settings.secondChoice,
        notices: quotaNoticesDocument(settings.quotaNotices),
      },
    },
    jobs: {
      default_ttl_seconds: jobs.defaultTtlSeconds,
      claim_seconds: jobs.claimSeconds,
      queue_ttl_seconds: jobs.queueTtlSeconds,
    },
    scheduling: schedulingDocument(settings.scheduling),
    burst_capacity: burstCapacityDocument(settings.burstCapacity),
    cost_tracking: costTrackingDocument(settings.costTracking),
    security: { require_reason: [...settings.requireReason] },
  };
}

function poolDocument(pool: PoolDefinition): PoolDocument {
  return {
    id: pool.name,
    name: pool.title,
    type: pool.type,
    min_size: pool.minSize,
    max_size: pool.maxSize,
    provider: pool.provider,
    resources: { ...pool.resources },
    quotas: {
      max_concurrent_jobs: pool.maxConcurrentJobs,
      max_jobs_per_tenant: pool.maxJobsPerTenant,
    },
  };
}

/** The inverse of `settingsDocument`, for a document in which no problem was found. */
export function settingsFromDocument(document: SettingsInput): Settings {
  const { multi_tenancy: tenancy, jobs = {} } = document;
  const { quota_enforcement: enforcement = {} } = tenancy;
  const resources = catalogueOf(document.resources);
  return {
    resources,
    resourcePools: poolSettings(document.resource_pools ?? {}, resources),
    defaultTenantQuota: byResource(resources, ({ name }) => {
      return tenancy.default_tenant_quota[limitField(name)];
    }),
    violationPolicy: enforcement.violation_policy ?? defaultSettings.violationPolicy,
    secondChoice: enforcement.second_choice ?? defaultSettings.secondChoice,
    quotaNotices: quotaNoticesOf(enforcement.notices ?? {}),
    jobs: {
      defaultTtlSeconds: jobs.default_ttl_seconds ?? defaultSettings.jobs.defaultTtlSeconds,
      claimSeconds: jobs.claim_seconds ?? defaultSettings.jobs.claimSeconds,
      queueTtlSeconds: jobs.queue_ttl_seconds ?? defaultSettings.jobs.queueTtlSeconds,
    },
    scheduling: schedulingOf(document.scheduling ?? {}),
    burstCapacity: burstCapacityOf(document.burst_capacity ?? {}),
    costTracking: costTrackingOf(document.cost_tracking ?? {}),
    requireReason: [...new Set(document.security?.require_reason)].sort(),
  };
}

function catalogueOf(listed: readonly ResourceInput[]): readonly Resource[] {
  const all = listed.map(({ name, default_limit: defaultLimit }): Resource => {
    return { name, unit: unitOf(name, listed), defaultLimit };
  });
  const builtIn = builtInResources.map(
    (resource) => all.find(({ name }) => name === resource.name) ?? resource,
  );
  return [...builtIn, ...all.filter(({ name }) => builtInOf(name) === undefined)];
}

/** The unit of a resource: its own, or where none is said that of what it is a kind of, or count. */
export function unitOf(name: string, listed: readonly ResourceInput[]): string {
  const own = builtInOf(name)?.unit ?? listed.find((resource) => resource.name === name)?.unit;
  if (own !== undefined) return own;
  const parent = kindOf(name);
  return parent === undefined ? 'count' : unitOf(parent, listed);
}

function poolSettings(
  section: NonNullable<SettingsInput['resource_pools']>,
  catalogue: readonly Resource[],
): Settings['resourcePools'] {
  const { enabled, defaultPoolType } = defaultSettings.resourcePools;
  const type = section.default_pool_type ?? defaultPoolType;
  return {
    enabled: section.enabled ?? enabled,
    defaultPoolType: type,
    pools: (section.pools ?? []).map((pool) => poolDefinition(pool, type, catalogue)),
  };
}

function poolDefinition(
  pool: PoolInput,
  usualType: PoolType,
  catalogue: readonly Resource[],
): PoolDefinition {
  const { id, resources = {}, quotas = {} } = pool;
  return {
    name: id,
    title: pool.name ?? id,
    type: pool.type ?? usualType,
    minSize: pool.min_size ?? DEFAULT_POOL_SIZE,
    maxSize: pool.max_size ?? DEFAULT_POOL_SIZE,
    provider: pool.provider ?? null,
    resources: byResource(catalogue, ({ name }) => resources[name]),
    maxConcurrentJobs: quotas.max_concurrent_jobs ?? null,
    maxJobsPerTenant: quotas.max_jobs_per_tenant ?? null,
  };
}
