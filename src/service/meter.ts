import type { MetricFamily } from '../domain/metrics.ts';
import type { Runner } from './call.ts';
import { histogram, type Histogram } from './histogram.ts';
import { batchJobs } from './job-batch.ts';
import type { JobView } from './job-view.ts';
import { admitJob } from './jobs.ts';
import { family, familyOf } from './metric-families.ts';
import { tenantLabels } from './tenant-labels.ts';

/** What the thread that writes measures of itself, where it happens. */
export interface Meter {
  /** Counts and times what a runner decides. */
  metered(run: Runner): Runner;
  /** So many changes have shared a commit. */
  committed(group: number): void;
  /** Carries a commit out, and notes how long it took. */
  timeCommit(commit: () => void): void;
  /** The sweeper has done its work. */
  swept(): void;
  /** All of it so far; and who asks most is named from now on. */
  collect(): MetricFamily[];
}

export interface MeterOptions {
  /** So many tenants are named. */
  readonly mostTenants: number;
  /** Seconds since some moment, that no clock which is set moves. */
  readonly stopwatch: () => number;
  /** Epoch milliseconds, as whoever reads the metrics has them. */
  readonly now: () => number;
}

const SECONDS = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10],
];
const CALLS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export function createMeter({ mostTenants, stopwatch, now }: MeterOptions): Meter {
  const decisions = countDecisions(mostTenants);
  const durations = new Map<string, Histogram>();
  const commits = histogram(SECONDS);
  const groups = histogram(CALLS);
  let sweptAt: number | undefined;
  const timed = (outcome: string) => {
    const known = durations.get(outcome) ?? histogram(SECONDS);
    durations.set(outcome, known);
    return known;
  };
  return {
    metered: (run) => async (operation, parsed, caller) => {
      const isCounted = caller.dryRun !== true && decides(operation.name);
      if (!isCounted) return run(operation, parsed, caller);
      const begun = stopwatch();
      const output = await run(operation, parsed, caller);
      for (const decided of decisionsIn(output)) decisions.count(decided);
      // Of several at once no single one has taken the time.
      const outcome = operation.name === admitJob.name ? outcomeOf(output as JobView) : undefined;
      if (outcome !== undefined) timed(outcome).observe(stopwatch() - begun);
      return output;
    },
    committed: (group) => groups.observe(group),
    timeCommit(commit) {
      const begun = stopwatch();
      commit();
      commits.observe(stopwatch() - begun);
    },
    swept: () => void (sweptAt = now()),
    collect() {
      const name = 'hodei_decision_duration_seconds';
      const families = [
        decisions.family(),
        familyOf(
          name,
          [...durations].flatMap(([outcome, each]) => each.samples(name, { outcome })),
        ),
        familyOf(
          'hodei_commit_duration_seconds',
          commits.samples('hodei_commit_duration_seconds', {}),
        ),
        familyOf('hodei_commit_group_size', groups.samples('hodei_commit_group_size', {})),
        family(
          'hodei_sweeper_last_run_timestamp_seconds',
          sweptAt === undefined ? [] : [[{}, sweptAt / 1000]],
        ),
      ];
      decisions.elect();
      return families;
    },
  };
}

function decides(operation: string): boolean {
  return operation === admitJob.name || operation === batchJobs.name;
}

/** The jobs that an answer tells of; an entry of several may have been refused as no request at all. */
function decisionsIn(output: unknown): JobView[] {
  const { items } = output as { items?: readonly JobView[] };
  return (items ?? [output as JobView]).filter((item) => outcomeOf(item) !== undefined);
}

/** Undefined where nothing was decided: it is no job, or was there already. */
function outcomeOf({ state, replayed }: Partial<JobView>): string | undefined {
  return replayed === true ? undefined : state;
}

/** Counts by outcome, reason, pool and tenant; a tenant that has lost its label begins anew. */
function countDecisions(mostTenants: number) {
  const labels = tenantLabels(mostTenants);
  const byTenant = new Map<string, Map<string, number>>();
  return {
    count({ state, code, pool, tenant }: JobView) {
      const label = labels.labelFor(tenant);
      const counts = byTenant.get(label) ?? new Map<string, number>();
      byTenant.set(label, counts);
      const key = `${state} ${code ?? ''} ${pool}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    elect() {
      for (const tenant of labels.elect()) byTenant.delete(tenant);
    },
    family: () =>
      family(
        'hodei_decisions_total',
        [...byTenant].flatMap(([tenant, counts]) =>
          [...counts].map(([key, value]) => {
            const [outcome = '', reason = '', pool = ''] = key.split(' ');
            return [{ outcome, reason, pool, tenant }, value] as const;
          }),
        ),
      ),
  };
}
