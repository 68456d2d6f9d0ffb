import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import { getBudget, setBudget } from '../../src/service/budgets.ts';
import { resizeJob } from '../../src/service/jobs.ts';
import { setRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import { countBudgets } from '../helpers/budgets.ts';
import { admit, idOf } from '../helpers/job.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

let hodei: TestService;

/** A core costs 1 for an hour, and twice as much where it is lent. */
beforeEach(async () => {
  hodei = await testService();
  const { call } = hodei;
  const document = settingsDocument(defaultSettings);
  const quota_enforcement = { violation_policy: 'burst', second_choice: 'reject' } as const;
  await call(applySettings, {
    multi_tenancy: { ...document.multi_tenancy, quota_enforcement },
    burst_capacity: {
      ...document.burst_capacity,
      ...{ cost_multiplier: 2 },
      approval: { ...document.burst_capacity.approval, auto_approve_threshold: 150 },
    },
  } as never);
  await call(setRate, { resource: 'cpu_m', price_micro: 1_000_000 });
  await makeTenant(call, 'acme', { quota: { cpu_m: 1000 } });
});
afterEach(() => hodei.close());

const lent = { cpu_m: 1500, ttl_seconds: 3600 };

function give(monthly_micro: number) {
  return hodei.call(setBudget, { tenant: 'acme', monthly_micro, on_exceeded: 'block' });
}

it('does not open a session for what the budget does not pay at the price of a session', async () => {
  await give(2_999_999);
  expect(await admit(hodei.call, 'acme', lent)).toMatchObject({
    ...{ state: 'rejected', code: 'over_quota', burst: null },
  });
  await give(3_000_000);
  const admitted = await admit(hodei.call, 'acme', lent);
  expect([admitted.state, admitted.burst]).toEqual(['admitted', expect.any(String)]);
  const { committed_micro: committed } = await hodei.call(getBudget, { tenant: 'acme' });
  expect(committed).toBe(3_000_000);
});

it('counts all of a job at that price from the size on that needs a session', async () => {
  await give(100_000_000);
  await admit(hodei.call, 'acme', { cpu_m: 1100, ttl_seconds: 60 });
  hodei.clock.advance(60_000);
  const job = idOf(await admit(hodei.call, 'acme', { cpu_m: 900, ttl_seconds: 3600 }));
  hodei.clock.advance(1_800_000);
  await hodei.call(resizeJob, { job, cpu_m: 1200 });
  const { committed_micro: committed } = await hodei.call(getBudget, { tenant: 'acme' });
  expect(committed).toBe(1_200_000);
  const [budget] = await countBudgets(hodei.store, hodei.clock.now());
  expect(budget?.kept).toBe(budget?.measured);
});
