import type { MetricFamily, MetricSample, MetricType } from '../domain/metrics.ts';

/** Every metric that hodei has of its own, and what it says. */
const catalogue = {
  hodei_build_info: ['gauge', 'Always 1; the label says which version of hodei it is.'],
  hodei_decisions_total: [
    'counter',
    'Requests for jobs that this server has decided since it started, by outcome and, where a job was not admitted at once, by the reason code.',
  ],
  hodei_decision_duration_seconds: [
    'histogram',
    'How long a request for a job took from its turn in the service to the durable answer.',
  ],
  hodei_commit_duration_seconds: [
    'histogram',
    'How long the commit of a group of changes took: mostly the fsync of the disk.',
  ],
  hodei_commit_group_size: ['histogram', 'How many changes shared one commit.'],
  hodei_sweeper_last_run_timestamp_seconds: [
    'gauge',
    'When the sweeper last found out what is due and settled it, in seconds since 1970.',
  ],
  hodei_events_total: ['counter', 'Changes in the audit since the database began.'],
  hodei_pool_used: ['gauge', 'What jobs hold in a pool, in base units of the resource.'],
  hodei_pool_limit: [
    'gauge',
    'What a pool has now, in base units of the resource; no sample where it is unlimited.',
  ],
  hodei_pool_free: [
    'gauge',
    'What a pool has left, in base units of the resource; no sample where it is unlimited.',
  ],
  hodei_tenant_used: [
    'gauge',
    'What a tenant and those below it hold, in base units of the resource; _other is what none of the tenants named here holds.',
  ],
  hodei_tenant_limit: [
    'gauge',
    'The limit of a tenant in force, in base units of the resource; no sample where it is unlimited.',
  ],
  hodei_tenant_free: [
    'gauge',
    'What a tenant has left of its own limit, in base units of the resource; no sample where it is unlimited.',
  ],
  hodei_queue_depth: ['gauge', 'Jobs that wait in a pool.'],
  hodei_queue_oldest_wait_seconds: [
    'gauge',
    'How long the job that has waited longest in a pool has waited; 0 where none waits.',
  ],
  hodei_burst_sessions: ['gauge', 'Burst sessions that are requested, approved or active.'],
  hodei_burst_end_timestamp_seconds: [
    'gauge',
    'When the active burst session of a tenant that ends next ends, in seconds since 1970; of those that end first.',
  ],
  hodei_cost_month_to_date: [
    'gauge',
    'What a tenant itself has cost since the month (UTC) began, in the currency of the config file; at most a minute old.',
  ],
  hodei_usage_meter_lag_events: [
    'gauge',
    'Changes since what ended jobs used was summed up by the hour; reports read them one by one.',
  ],
  hodei_ledger_drift: [
    'gauge',
    'Amounts in use in pools, by resource, that differ from what their running jobs hold; looked at once an hour.',
  ],
  hodei_budget_limit: [
    'gauge',
    'What a tenant and those below it may cost in a month, in units of the currency; of the budgets of which most is spent.',
  ],
  hodei_budget_spent: [
    'gauge',
    'What was spent of a budget this month (UTC), less credits and as corrected, in units of the currency.',
  ],
  hodei_budget_committed: [
    'gauge',
    'What running jobs will cost a budget until their leases or the month end, in units of the currency.',
  ],
  hodei_budget_threshold_ratio: [
    'gauge',
    'From which part of a budget on its level is reached: warning or critical.',
  ],
  hodei_webhook_backlog: ['gauge', 'Events that a webhook has not taken yet, counted up to 1000.'],
  hodei_webhook_failures: ['gauge', 'Attempts that failed since the last one a webhook has taken.'],
  hodei_store_size_bytes: ['gauge', 'The size of the database file.'],
  hodei_wal_size_bytes: ['gauge', 'The size of the write-ahead log beside the database file.'],
  hodei_disk_free_bytes: ['gauge', 'What is left on the disk on which the database file is.'],
} as const satisfies Record<string, readonly [MetricType, string]>;

export type MetricName = keyof typeof catalogue;

export const metricNames = Object.keys(catalogue) as readonly MetricName[];

type Labels = MetricSample['labels'];

/** A family of numbers, each with its labels. */
export function family(
  name: MetricName,
  values: readonly (readonly [labels: Labels, value: number])[],
): MetricFamily {
  return familyOf(
    name,
    values.map(([labels, value]) => ({ name, labels, value })),
  );
}

export function familyOf(name: MetricName, samples: readonly MetricSample[]): MetricFamily {
  const [type, help] = catalogue[name];
  return { name, help, type, samples };
}

/** The sizes of what the database is kept in. */
export interface StoreSizes {
  readonly bytes: number;
  readonly walBytes: number;
  readonly freeBytes: number;
}

/** What the process knows that is neither in the database nor counted by it. */
export function surroundingFamilies(version: string, sizes: StoreSizes | undefined) {
  const own = [family('hodei_build_info', [[{ version }, 1]])];
  if (sizes === undefined) return own;
  return [
    ...own,
    family('hodei_store_size_bytes', [[{}, sizes.bytes]]),
    family('hodei_wal_size_bytes', [[{}, sizes.walBytes]]),
    family('hodei_disk_free_bytes', [[{}, sizes.freeBytes]]),
  ];
}
