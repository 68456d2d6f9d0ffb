import { expect, it } from 'vitest';
import { reportCost } from '../../src/service/costs.ts';
import { resizeJob } from '../../src/service/jobs.ts';
import { setRate } from '../../src/service/rates.ts';
import { admit, idOf } from '../helpers/job.ts';
import { testService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

it('costs nothing to hold a resource for no time, between two sizes of one moment', async () => {
  const { call, clock, close } = await testService();
  await makeTenant(call, 'acme', { quota: { gpu: 2 } });
  await call(setRate, { resource: 'cpu_m', price_micro: 1_000_000 });
  const job = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
  clock.advance(3_600_000);
  await call(resizeJob, { job, gpu: 2 });
  await call(resizeJob, { job, gpu: 0 });
  const { rows } = await call(reportCost, {});
  expect(rows.map(({ cost_micro: cost }) => cost)).toEqual([1_000_000]);
  await close();
});
