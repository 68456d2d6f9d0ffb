import * as z from 'zod';
import { defaultCostTracking } from '../../domain/cost-tracking.ts';
import { MAX_PRICE, MICROS, microsOf, type Micros } from '../../domain/money.ts';
import { isThreshold } from '../../domain/quota-notice.ts';
import { lazy } from '../operation.ts';
import { expected, orNull, part, section, trueOrFalse, whole } from './section.ts';

/** Ten years. */
const MAX_RETENTION_DAYS = 3_660;

/** What use costs, as the config file has it. */
export function costTrackingSection() {
  const usual = defaultCostTracking;
  const { cpu_m: cpu, memory_mb: memory, gpu } = usual.hourlyRates;
  return section({
    enabled: trueOrFalse()
      .default(usual.enabled)
      .describe('Whether use is priced; false: it is only measured'),
    currency: z
      .string({ error: expected('a currency such as USD') })
      .regex(/^[A-Za-z][A-Za-z0-9_-]{0,11}$/, {
        error: expected('a currency such as USD, at most 12 letters'),
      })
      .default(usual.currency)
      .describe('A word beside the numbers; nothing is converted'),
    hourly_rate_cpu: price()
      .default(cpu / MICROS)
      .describe('What a core costs for an hour'),
    hourly_rate_memory_gb: price()
      .default(memory / MICROS)
      .describe('What a GiB costs for an hour'),
    hourly_rate_gpu: price()
      .default(gpu / MICROS)
      .describe('What a GPU costs for an hour'),
    retention_days: orNull(
      'none',
      whole(
        1,
        MAX_RETENTION_DAYS,
        `a whole number of days from 1 to ${MAX_RETENTION_DAYS}, or none`,
      ),
    )
      .default(usual.retentionDays)
      .describe(
        'So long ended jobs are kept one by one, then what they used by the hour; none: always',
      ),
    budget_alerts: section({
      warning_threshold: share()
        .default(usual.budgetAlerts.warning)
        .describe('From this part of a budget on somebody is told'),
      critical_threshold: share()
        .default(usual.budgetAlerts.critical)
        .describe('And from this part on again'),
    })
      .prefault({})
      .describe('When somebody is told of a budget'),
  }).describe('What use costs');
}

/** A price of an hour, or a multiplier: at most six decimals, so that it is kept exactly. */
export const price = lazy(() => money(MAX_PRICE));

function money(most: Micros) {
  const error = expected(`a number from 0 to ${most / MICROS} with at most six decimals`);
  return z
    .number({ error })
    .min(0, { error })
    .max(most / MICROS, { error })
    .refine((value) => microsOf(value) !== undefined, { error });
}

function share() {
  return part(isThreshold, 'a part of the budget above 0 and up to 1, such as 0.8');
}
