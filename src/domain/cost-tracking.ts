import type { Loose } from './loose.ts';
import { MICROS, microsOf, type Micros } from './money.ts';

/** What use costs where no operator said it, and what becomes of that. */
export interface CostTracking {
  readonly enabled: boolean;
  /** A word beside the numbers; nothing is converted. */
  readonly currency: string;
  /** Of a core, a GiB and a GPU for an hour, by resource. */
  readonly hourlyRates: {
    readonly cpu_m: Micros;
    readonly memory_mb: Micros;
    readonly gpu: Micros;
  };
  /** So long ended jobs are kept one by one; then only what they used, by the hour. Null: always. */
  readonly retentionDays: number | null;
  /** From which parts of a budget somebody is told; from 0 to 1. */
  readonly budgetAlerts: { readonly warning: number; readonly critical: number };
}

export const defaultCostTracking: CostTracking = {
  enabled: true,
  currency: 'USD',
  hourlyRates: { cpu_m: 50_000, memory_mb: 10_000, gpu: 2_500_000 },
  retentionDays: 90,
  budgetAlerts: { warning: 0.8, critical: 0.95 },
};

/** The same as documents write it. */
export interface CostTrackingDocument {
  readonly enabled: boolean;
  readonly currency: string;
  readonly hourly_rate_cpu: number;
  readonly hourly_rate_memory_gb: number;
  readonly hourly_rate_gpu: number;
  readonly retention_days: number | null;
  readonly budget_alerts: {
    readonly warning_threshold: number;
    readonly critical_threshold: number;
  };
}

/** And as people may write it. */
export interface CostTrackingInput extends Loose<Omit<CostTrackingDocument, 'budget_alerts'>> {
  readonly budget_alerts?: Loose<CostTrackingDocument['budget_alerts']> | undefined;
}

export function costTrackingDocument(tracking: CostTracking): CostTrackingDocument {
  const { hourlyRates, budgetAlerts } = tracking;
  return {
    enabled: tracking.enabled,
    currency: tracking.currency,
    hourly_rate_cpu: hourlyRates.cpu_m / MICROS,
    hourly_rate_memory_gb: hourlyRates.memory_mb / MICROS,
    hourly_rate_gpu: hourlyRates.gpu / MICROS,
    retention_days: tracking.retentionDays,
    budget_alerts: {
      warning_threshold: budgetAlerts.warning,
      critical_threshold: budgetAlerts.critical,
    },
  };
}

export function costTrackingOf(input: CostTrackingInput): CostTracking {
  const usual = defaultCostTracking;
  const { budget_alerts: alerts = {} } = input;
  return {
    enabled: input.enabled ?? usual.enabled,
    currency: input.currency ?? usual.currency,
    hourlyRates: {
      cpu_m: rateOf(input.hourly_rate_cpu, usual.hourlyRates.cpu_m),
      memory_mb: rateOf(input.hourly_rate_memory_gb, usual.hourlyRates.memory_mb),
      gpu: rateOf(input.hourly_rate_gpu, usual.hourlyRates.gpu),
    },
    retentionDays: input.retention_days === undefined ? usual.retentionDays : input.retention_days,
    budgetAlerts: {
      warning: alerts.warning_threshold ?? usual.budgetAlerts.warning,
      critical: alerts.critical_threshold ?? usual.budgetAlerts.critical,
    },
  };
}

function rateOf(value: number | undefined, usual: Micros): Micros {
  return value === undefined ? usual : (microsOf(value) ?? usual);
}

/** What is wrong in a document of the right shape, and where in it. */
export function costTrackingProblems(
  input: CostTrackingInput,
): { readonly path: readonly string[]; readonly message: string }[] {
  const { warning, critical } = costTrackingOf(input).budgetAlerts;
  if (warning <= critical) return [];
  const message = `critical at ${critical} would come before the warning at ${warning}`;
  return [{ path: ['budget_alerts', 'critical_threshold'], message }];
}
