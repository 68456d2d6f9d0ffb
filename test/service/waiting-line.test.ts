import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admitJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

let hodei: TestService;

beforeEach(async () => {
  hodei = await testService();
});
afterEach(() => hodei.close());

const free = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };

/** Asks for so many millicores; it waits where there is no room. @returns its id. */
async function ask(tenant: string, cpu: number): Promise<string> {
  const job = await hodei.call(admitJob, { tenant, cpu_m: cpu, on_full: 'queue' });
  return job.id ?? '';
}

async function askOften(count: number, tenant: string, cpu: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => ask(tenant, cpu)));
}

const stateOf = async (job: string) => (await hodei.call(getJob, { job })).state;

/** Any change, with which what was left is gone on with. */
const change = (name: string) => makeTenant(hodei.call, name);

describe('a line of waiting jobs that is too long to be looked at at once', () => {
  it('is gone on with until who asked meanwhile has been looked at too', async () => {
    await makeTenant(hodei.call, 'acme', { quota: { ...free, cpu_m: 1_000 } });
    const [, second = ''] = await askOften(2, 'acme', 500);
    await askOften(350, 'acme', 1);
    await hodei.call(releaseJob, { job: second });
    const late = await hodei.call(admitJob, { tenant: 'acme', cpu_m: 100, on_full: 'queue' });
    expect(late).toMatchObject({ state: 'queued', code: 'waiting_ahead' });
    for (const name of ['b', 'c']) await change(name);
    expect(await stateOf(late.id ?? '')).toBe('admitted');
    expect((await hodei.call(listJobs, { state: 'queued' })).items).toEqual([]);
  });

  it('is gone on with after their tenant has moved away from where they lacked room', async () => {
    await makeTenant(hodei.call, 'eng', { quota: { ...free, cpu_m: 0 } });
    await makeTenant(hodei.call, 'acme', { parent: 'eng', quota: free });
    await askOften(250, 'acme', 100);
    await hodei.call(updateTenant, { tenant: 'acme', parent: null });
    for (const name of ['b', 'c']) await change(name);
    expect((await hodei.call(listJobs, { state: 'queued' })).items).toEqual([]);
  });
});

describe('of those who lack room at a tenant, when some of them move away from it, who has less starts', () => {
  /** There is room for one of the two that wait, below `all`, where both still are. */
  async function moveAway(...asking: ['acme' | 'eng', 'acme' | 'eng']): Promise<string[]> {
    await makeTenant(hodei.call, 'all', { quota: { ...free, cpu_m: 400 } });
    await makeTenant(hodei.call, 'eng', { parent: 'all', quota: { ...free, cpu_m: 300 } });
    await makeTenant(hodei.call, 'acme', { parent: 'eng', quota: free });
    await ask('acme', 300);
    const waiting = [await ask(asking[0], 100), await ask(asking[1], 100)];
    await hodei.call(updateTenant, { tenant: 'acme', parent: 'all' });
    return Promise.all(waiting.map(stateOf));
  }

  it('where it waits longer', async () => {
    expect(await moveAway('eng', 'acme')).toEqual(['admitted', 'queued']);
  });

  it('and where it does not', async () => {
    expect(await moveAway('acme', 'eng')).toEqual(['queued', 'admitted']);
  });
});
