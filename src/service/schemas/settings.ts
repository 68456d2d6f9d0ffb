import * as z from 'zod';
import { strategies } from '../../domain/fair-share.ts';
import { MAX_TTL_SECONDS } from '../../domain/job.ts';
import { DEFAULT_POOL_SIZE, MAX_POOL_SIZE, poolTypes } from '../../domain/pool.ts';
import { isThreshold, THRESHOLD_RULE } from '../../domain/quota-notice.ts';
import { MAX_MINUTES } from '../../domain/scheduling.ts';
import { MAX_AMOUNT } from '../../domain/resource.ts';
import { defaultSettings, secondChoices, violationPolicies } from '../../domain/settings.ts';
import {
  MAX_CLAIM_SECONDS,
  RESOURCE_NAME,
  RESOURCE_NAME_RULE,
  RESOURCE_UNIT,
  type SettingsProblem,
} from '../../domain/settings-check.ts';
import { nearest } from '../nearest.ts';
import { lazy } from '../operation.ts';
import { burstCapacitySection } from './burst-capacity.ts';
import { costTrackingSection } from './cost-tracking.ts';
import { expected, oneOf, orNull, part, section, trueOrFalse, whole } from './section.ts';

/** The settings as the config file and `config apply` take them. */
export const SettingsDocument = lazy(() =>
  section({ ...settingsSections() }).describe(
    'What decides, the same for every process that uses the database',
  ),
);

/** They are also sections of the config file, which has others beside them. */
export const settingsSections = lazy(() => ({
  resources: z
    .array(resource(), { error: expected('a list of resources') })
    .default([])
    .describe('What is counted, beside the built-in cpu_m, memory_mb, gpu and jobs'),
  resource_pools: resourcePoolsSection().prefault({}),
  multi_tenancy: multiTenancySection().prefault({}),
  jobs: jobsSection().prefault({}),
  scheduling: schedulingSection().prefault({}),
  burst_capacity: burstCapacitySection().prefault({}),
  cost_tracking: costTrackingSection().prefault({}),
  security: section(securitySettings()).prefault({}).describe('Who may do what'),
}));

/** What of the security decides; the config file has more in that section. */
export const securitySettings = lazy(() => ({
  require_reason: z
    .array(z.string({ error: expected('a name such as quota.set') }), {
      error: expected('a list of names such as quota.set'),
    })
    .default([])
    .describe('Changes that nobody makes without saying why, by their names in the audit'),
}));

function resource() {
  return section({
    name: z
      .string({ error: expected('a name such as license') })
      .regex(RESOURCE_NAME, { error: expected(RESOURCE_NAME_RULE) })
      .describe('Name, as in --set license=3; gpu.h100 is a kind of gpu'),
    unit: z
      .string({ error: expected('one word such as seats') })
      .regex(RESOURCE_UNIT, { error: expected('one word such as seats, at most 31 letters') })
      .optional()
      .describe('What one of it is called; count, or for a kind that of what it is a kind of'),
    default_limit: limit()
      .default(0)
      .describe('The limit of every tenant without one of its own; 0 closes it'),
  });
}

function resourcePoolsSection() {
  const { enabled, defaultPoolType } = defaultSettings.resourcePools;
  return section({
    enabled: trueOrFalse()
      .default(enabled)
      .describe('Whether there are pools; false takes their rules out'),
    default_pool_type: oneOf(poolTypes)
      .default(defaultPoolType)
      .describe('What a pool is that does not say it: static or dynamic'),
    pools: z
      .array(pool(), { error: expected('a list of pools') })
      .default([])
      .describe('The pools there are'),
  }).describe('Where jobs run');
}

function pool() {
  return section({
    id: z
      .string({ error: expected('a name such as gpu') })
      .describe('How requests name it: 1 to 63 of a-z, 0-9 and -, from a letter')
      .meta({ minLength: 1, maxLength: 63 }),
    name: z
      .string({ error: expected('a title such as GPU farm') })
      .optional()
      .describe('A title for people; the id, where nothing is said'),
    type: oneOf(poolTypes)
      .optional()
      .describe('static: always max_size workers; dynamic: from min_size to max_size'),
    min_size: size().describe('The fewest workers'),
    max_size: size().describe('The most workers: what needs more can never run'),
    provider: z
      .string({ error: expected('a label such as on-premises') })
      .nullable()
      .optional()
      .describe('Where the workers come from: a label that decides nothing'),
    resources: z
      .record(z.string(), whole(0, MAX_AMOUNT), { error: expected('amounts by resource') })
      .default({})
      .describe('What one worker has, by resource in base units; the rest is not limited here'),
    quotas: poolQuotas().prefault({}).describe('How many jobs there may be in the pool'),
  });
}

function poolQuotas() {
  return section({
    max_concurrent_jobs: limit()
      .default(null)
      .describe('Jobs at the same time, of all tenants together; by default unlimited'),
    max_jobs_per_tenant: limit()
      .default(null)
      .describe('The same for a tenant without a limit of its own there; by default unlimited'),
  });
}

function size() {
  return whole(0, MAX_POOL_SIZE).default(DEFAULT_POOL_SIZE);
}

function multiTenancySection() {
  return section({
    default_tenant_quota: defaultTenantQuota()
      .prefault({})
      .describe('The limits of a new tenant, by resource; all others stay unset'),
    quota_enforcement: quotaEnforcement().prefault({}),
  }).describe('What holds for tenants');
}

function defaultTenantQuota() {
  const quota = defaultSettings.defaultTenantQuota;
  return section({
    cpu_m: limit()
      .default(quota['cpu_m'] ?? 0)
      .describe('Processors, in thousandths of a core'),
    memory_mb: limit()
      .default(quota['memory_mb'] ?? 0)
      .describe('Memory, in MiB'),
    gpu: limit()
      .default(quota['gpu'] ?? 0)
      .describe('GPUs'),
    max_concurrent_jobs: limit()
      .default(quota['jobs'] ?? 0)
      .describe('Jobs at the same time'),
  }).catchall(limit());
}

function quotaEnforcement() {
  return section({
    violation_policy: oneOf(violationPolicies)
      .default(defaultSettings.violationPolicy)
      .describe(
        'What becomes of a job that does not fit now, unless it says so: reject, queue or burst',
      ),
    second_choice: oneOf(secondChoices)
      .default(defaultSettings.secondChoice)
      .describe('What becomes of it where that is burst, and no session can open by itself'),
    notices: quotaNotices().prefault({}),
  }).describe('What follows when a limit is reached');
}

function quotaNotices() {
  const { enabled, warningThreshold, criticalThreshold } = defaultSettings.quotaNotices;
  const threshold = () => part(isThreshold, THRESHOLD_RULE);
  return section({
    enabled: trueOrFalse().default(enabled).describe('Whether anybody is told'),
    warning_threshold: threshold()
      .default(warningThreshold)
      .describe('The part of a limit from which on there is a warning'),
    critical_threshold: threshold()
      .default(criticalThreshold)
      .describe('The part of a limit from which on it is critical; above the warning'),
  }).describe('Who is told, as the event quota.notice, that a limit is nearly reached');
}

function jobsSection() {
  const { defaultTtlSeconds, claimSeconds, queueTtlSeconds } = defaultSettings.jobs;
  return section({
    default_ttl_seconds: orNull('none', seconds(MAX_TTL_SECONDS, ', or none'))
      .default(defaultTtlSeconds)
      .describe(
        'The lease of a job that asks for none; by default none: it runs until it is released',
      ),
    claim_seconds: seconds(MAX_CLAIM_SECONDS)
      .default(claimSeconds)
      .describe('So long a job that was queued and is admitted waits to be claimed'),
    queue_ttl_seconds: seconds(MAX_TTL_SECONDS)
      .default(queueTtlSeconds)
      .describe('So long a job stays queued that does not say how long'),
  }).describe('What holds for jobs');
}

function schedulingSection() {
  return section({
    fair_queuing: fairQueuing().prefault({}).describe('Shares of the tenants'),
    queue_prioritization: section({
      default_strategy: oneOf(strategies)
        .default(defaultSettings.scheduling.strategy)
        .describe('Who goes next: weighted_fair, fifo or priority'),
    })
      .prefault({})
      .describe('The order of the jobs that wait'),
    max_queue_size: limit()
      .default(defaultSettings.scheduling.maxQueueSize)
      .describe('How many jobs may wait in one pool; by default unlimited'),
  }).describe('Who goes next');
}

function fairQueuing() {
  const { fairQueuing: usual } = defaultSettings.scheduling;
  return section({
    enabled: trueOrFalse()
      .default(usual.enabled)
      .describe('Whether shares count; false: jobs go in order of age'),
    fairness_window_minutes: minutes(0)
      .default(usual.windowMinutes)
      .describe('After so long use in the past counts half; 0: only what is used now counts'),
    starvation_prevention: trueOrFalse()
      .default(usual.starvationPrevention)
      .describe('Whether room is kept for a job that has waited too long'),
    starvation_threshold_minutes: minutes(1)
      .default(usual.starvationThresholdMinutes)
      .describe('How long is too long'),
  });
}

function minutes(least: number) {
  return whole(least, MAX_MINUTES, `a whole number of minutes from ${least} to ${MAX_MINUTES}`);
}

function seconds(most: number, orElse = '') {
  return whole(1, most, `a whole number of seconds from 1 to ${most}${orElse}`);
}

function limit() {
  return orNull(
    'unlimited',
    whole(0, MAX_AMOUNT, `a whole number from 0 to ${MAX_AMOUNT}, or unlimited`),
  );
}

/** The problem in words, with the name that was probably meant, or those that there are. */
export function describeProblem({ path, message, known = [], said }: SettingsProblem): string {
  const meant = nearest(said ?? String(path.at(-1)), known);
  if (meant !== undefined) return `${message}; did you mean ${meant}?`;
  return known.length === 0 ? message : `${message}; known here: ${known.join(', ')}`;
}
