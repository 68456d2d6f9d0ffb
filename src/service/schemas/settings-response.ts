import * as z from 'zod';
import { strategies } from '../../domain/fair-share.ts';
import { poolTypes } from '../../domain/pool.ts';
import { secondChoices, violationPolicies } from '../../domain/settings.ts';
import { lazy } from '../operation.ts';
import { instant } from './common.ts';

const limit = lazy(() => z.int().nullable());

/** The settings in force: every key, also those that nobody wrote. */
export const SettingsResponse = lazy(() =>
  z.strictObject({
    resources: z.array(
      z.strictObject({ name: z.string(), unit: z.string(), default_limit: limit() }),
    ),
    resource_pools: z.strictObject({
      enabled: z.boolean(),
      default_pool_type: z.enum(poolTypes),
      pools: z.array(pool()),
    }),
    multi_tenancy: z.strictObject({
      default_tenant_quota: z.record(z.string(), limit()),
      quota_enforcement: z.strictObject({
        violation_policy: z.enum(violationPolicies),
        second_choice: z.enum(secondChoices),
        notices: z.strictObject({
          enabled: z.boolean(),
          warning_threshold: z.number(),
          critical_threshold: z.number(),
        }),
      }),
    }),
    jobs: z.strictObject({
      default_ttl_seconds: z.int().nullable().describe('Null: such a job has no lease.'),
      claim_seconds: z.int(),
      queue_ttl_seconds: z.int(),
    }),
    scheduling: z.strictObject({
      fair_queuing: z.strictObject({
        enabled: z.boolean(),
        fairness_window_minutes: z.int(),
        starvation_prevention: z.boolean(),
        starvation_threshold_minutes: z.int(),
      }),
      queue_prioritization: z.strictObject({ default_strategy: z.enum(strategies) }),
      max_queue_size: limit(),
    }),
    burst_capacity: z.strictObject({
      enabled: z.boolean(),
      default_policy: z.strictObject({
        max_overage_percentage: z.int(),
        burst_duration_minutes: z.int(),
      }),
      max_concurrent_burst_sessions: limit(),
      max_per_tenant_per_day: limit(),
      burst_cooldown_minutes: z.int(),
      notice_minutes: z.int(),
      cost_multiplier: z.number(),
      approval: z.strictObject({
        auto_approve_threshold: z.int(),
        approvals_required: z.int(),
        approvers: z.array(z.string()),
        timeout_minutes: z.int(),
      }),
    }),
    cost_tracking: costTracking(),
    security: z.strictObject({ require_reason: z.array(z.string()) }),
    revision: z.int().describe('Counts the changes; sent as ETag.'),
    applied_at: instant(),
  }),
);

function pool() {
  return z.strictObject({
    id: z.string(),
    name: z.string(),
    type: z.enum(poolTypes),
    min_size: z.int(),
    max_size: z.int(),
    provider: z.string().nullable(),
    resources: z.record(z.string(), z.int()).describe('By resource what one worker has.'),
    quotas: z.strictObject({ max_concurrent_jobs: limit(), max_jobs_per_tenant: limit() }),
  });
}

function costTracking() {
  return z.strictObject({
    enabled: z.boolean(),
    currency: z.string(),
    hourly_rate_cpu: z.number(),
    hourly_rate_memory_gb: z.number(),
    hourly_rate_gpu: z.number(),
    retention_days: z.int().nullable().describe('Null: ended jobs are kept for ever.'),
    budget_alerts: z.strictObject({
      warning_threshold: z.number(),
      critical_threshold: z.number(),
    }),
  });
}
