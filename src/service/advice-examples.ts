import type * as z from 'zod';
import type { AdviceResponse } from './schemas/advice.ts';

type Advice = z.output<ReturnType<typeof AdviceResponse>>;

const cores = { pool: null, resource: 'cpu_m', unit: 'millicores' } as const;

export const adviceExample: Advice = {
  from: '2026-10-24T09:00:00.000Z',
  to: '2026-11-23T09:30:00.000Z',
  is_shortened: false,
  raise: [
    {
      ...{ tenant: 'acme', tenant_id: 'tenant-7f3k9q2m4xwz', ...cores, limit: 4_000 },
      ...{ advised: 6_000, command: 'hodei quota set acme --cpu 6' },
      ...{ times: 118, rejected: 97, would_fit: 110, bound_by: null, also_lacked: null },
    },
  ],
  raise_in_all: 1,
  lower: [
    {
      ...{ tenant: 'web', tenant_id: 'tenant-2c8v5n1b6hjd', ...cores, limit: 64_000 },
      ...{ advised: 10_000, command: 'hodei quota set web --cpu 10' },
      ...{ peak: 7_500, lacked: 0, frees: 54_000 },
    },
  ],
  lower_in_all: 1,
  too_new: 2,
};
