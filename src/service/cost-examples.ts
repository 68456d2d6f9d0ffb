import type { CostReport } from './cost-rows.ts';

const weeks = [
  ['2026-11-01T00:00:00.000Z', 41_904_000],
  ['2026-11-02T00:00:00.000Z', 301_708_800],
] as const;

export const costReportExample: CostReport = {
  from: '2026-11-01T00:00:00.000Z',
  to: '2026-12-01T00:00:00.000Z',
  currency: 'USD',
  group: 'tenant',
  total_micro: 343_612_800,
  periods: weeks.map(([begins_at, cost_micro]) => ({ begins_at, cost_micro })),
  rows: [
    {
      name: 'acme',
      id: 'tenant-7f3k9q2m4xwz',
      kind: 'named',
      cost_micro: 343_612_800,
      resources: {
        cpu_m: { unit_hours: 5_472, cost_micro: 273_600_000 },
        memory_mb: { unit_hours: 7_001.28, cost_micro: 70_012_800 },
      },
      periods: weeks.map(([, cost]) => cost),
    },
  ],
  rows_in_all: 1,
};
