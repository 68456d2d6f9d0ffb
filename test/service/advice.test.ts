import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listAdvice } from '../../src/service/advice.ts';
import { releaseJob } from '../../src/service/jobs.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { admit, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let hodei: TestService;

beforeEach(async () => {
  hodei = await testService();
});
afterEach(() => hodei.close());

/** A tenant that is old enough to be advised, with limits of its own. */
async function grown(name: string, cpu: number | null, parent: string | null = null) {
  const quota = { cpu_m: cpu, memory_mb: null, gpu: null, max_concurrent_jobs: null };
  return makeTenant(hodei.call, name, { quota, parent });
}

async function uses(tenant: string, cpu: number): Promise<void> {
  const job = idOf(await admit(hodei.call, tenant, { cpu_m: cpu }));
  hodei.clock.advance(HOUR);
  await hodei.call(releaseJob, { job });
}

async function refuse(tenant: string, cpu: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    expect((await admit(hodei.call, tenant, { cpu_m: cpu })).state).toBe('rejected');
  }
}

const advise = (input: object = {}) => hodei.call(listAdvice, input);

describe('advice', () => {
  it('lowers a limit far above the peak of a tenant and all below it', async () => {
    await grown('eng', 64_000);
    await grown('web', null, 'eng');
    await grown('ml', null, 'eng');
    hodei.clock.advance(31 * DAY);
    const web = idOf(await admit(hodei.call, 'web', { cpu_m: 5_000 }));
    await uses('ml', 2_500);
    await hodei.call(releaseJob, { job: web });
    const { raise, lower } = await advise();
    expect(raise).toEqual([]);
    expect(lower).toMatchObject([
      {
        ...{ tenant: 'eng', resource: 'cpu_m', limit: 64_000, peak: 7_500, advised: 10_000 },
        ...{ frees: 54_000, command: 'hodei quota set eng --cpu 10' },
      },
    ]);
  });

  it('raises a limit into which much did not fit, and says what binds it still', async () => {
    await grown('eng', 8_000);
    await grown('web', 4_000, 'eng');
    await refuse('web', 6_000, 12);
    await refuse('web', 20_000, 1);
    const { raise } = await advise();
    const [web] = raise.filter(({ tenant }) => tenant === 'web');
    expect(web).toMatchObject({
      ...{ limit: 4_000, advised: 6_000, times: 13, rejected: 13, would_fit: 12 },
      ...{ command: 'hodei quota set web --cpu 6', bound_by: null },
    });
    await hodei.call(setQuota, { tenant: 'eng', cpu_m: 5_000 });
    expect((await advise()).raise.find(({ tenant }) => tenant === 'web')).toMatchObject({
      bound_by: { tenant: 'eng', pool: null, limit: 5_000 },
    });
  });

  it('is silent about what was raised since, is rare, new, suspended, unlimited or near its use', async () => {
    for (const name of ['raised', 'rare', 'paused', 'near']) await grown(name, 4_000);
    await grown('free', null);
    hodei.clock.advance(31 * DAY);
    await refuse('raised', 5_000, 10);
    await hodei.call(setQuota, { tenant: 'raised', cpu_m: 6_000 });
    await refuse('rare', 5_000, 9);
    for (const name of ['near', 'paused', 'free']) await uses(name, 3_000);
    await hodei.call(setQuota, { tenant: 'paused', cpu_m: 90_000 });
    await hodei.call(suspendTenant, { tenant: 'paused' });
    await grown('young', 64_000);
    await uses('young', 1_000);
    expect(await advise()).toMatchObject({ raise: [], lower: [], too_new: 1 });
  });

  it('is silent about limits in pools where no pools are used', async () => {
    await grown('acme', null);
    await hodei.call(setQuota, { tenant: 'acme', pool: 'default', cpu_m: 64_000 });
    hodei.clock.advance(31 * DAY);
    await uses('acme', 100);
    expect((await advise()).lower).toMatchObject([{ pool: 'default', advised: 1_000 }]);
    await hodei.call(applySettings, { resource_pools: { enabled: false } });
    expect((await advise()).lower).toEqual([]);
  });

  it('counts what did not fit elsewhere, so that it advises no limit under which that never would', async () => {
    await grown('acme', 64_000);
    await makeTenant(hodei.call, 'eng');
    hodei.clock.advance(31 * DAY);
    await uses('acme', 4_000);
    await hodei.call(setQuota, { tenant: 'acme', memory_mb: 1 });
    const wide = await admit(hodei.call, 'acme', { cpu_m: 20_000, memory_mb: 512 });
    expect(wide.state).toBe('rejected');
    const [lower] = (await advise()).lower;
    expect(lower).toMatchObject({ peak: 4_000, lacked: 20_000, advised: 30_000 });
  });

  it('begins where jobs are kept, and says so', async () => {
    await grown('acme', 64_000);
    hodei.clock.advance(40 * DAY);
    await uses('acme', 40_000);
    hodei.clock.advance(10 * DAY);
    const before = new Date(hodei.clock.now() - 5 * DAY).toISOString();
    await hodei.call(pruneUsage, { before });
    await uses('acme', 1_000);
    expect(await advise()).toMatchObject({ is_shortened: true, lower: [{ peak: 1_000 }] });
    expect(await advise({ last: '2d' })).toMatchObject({ is_shortened: false });
  });

  it('is about a tenant and those below it, where one is named', async () => {
    for (const name of ['eng', 'ops']) await grown(name, 4_000);
    await grown('web', 2_000, 'eng');
    for (const name of ['web', 'ops']) await refuse(name, 5_000, 10);
    const tenants = async (input: object) => (await advise(input)).raise.map((row) => row.tenant);
    expect((await tenants({})).sort()).toEqual(['eng', 'ops', 'web']);
    expect((await tenants({ tenant: 'eng' })).sort()).toEqual(['eng', 'web']);
    expect(await advise({ limit: 1 })).toMatchObject({ raise_in_all: 3, raise: [{}] });
  });

  it.each([[{ last: '30' }], [{ last: '0d' }], [{ tenant: 'nobody' }], [{ limit: 0 }]])(
    'refuses %o',
    async (input) => {
      expect((await refusal(advise(input))).code).toMatch(/invalid|not_found/);
    },
  );
});
