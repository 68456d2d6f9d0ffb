import * as z from 'zod';
import { MOST_TENANT_LABELS } from '../domain/metrics.ts';
import { expected, section, trueOrFalse, whole } from '../service/schemas/section.ts';
import { defaultConfig, type MetricsConfig } from './config.ts';

export function metricsSection() {
  const { enabled, path, maxTenantLabels } = defaultConfig().metrics;
  return section({
    prometheus: section({
      enabled: trueOrFalse().default(enabled).describe('Whether hodei serve tells Prometheus'),
      path: metricsPath().default(path).describe('Where it does'),
      max_tenant_labels: whole(0, MOST_TENANT_LABELS)
        .default(maxTenantLabels)
        .describe('So many tenants are named, those that hold or ask most; all others are one'),
    })
      .prefault({})
      .describe('What Prometheus reads'),
  }).describe('Numbers about the server and what it decides');
}

export function metricsOf({
  prometheus,
}: z.output<ReturnType<typeof metricsSection>>): MetricsConfig {
  const { enabled, path, max_tenant_labels: maxTenantLabels } = prometheus;
  return { enabled, path, maxTenantLabels };
}

export function describeMetrics({ enabled, path, maxTenantLabels }: MetricsConfig) {
  return { prometheus: { enabled, path, max_tenant_labels: maxTenantLabels } };
}

/** Where something else is already. */
const TAKEN = /^\/(api|healthz|readyz)(\/|$)/;

function metricsPath() {
  const error = expected('a path such as /metrics, not below /api and none of the probes');
  return z
    .string({ error })
    .max(200, { error })
    .regex(/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, { error })
    .refine((path) => !TAKEN.test(path), { error });
}
