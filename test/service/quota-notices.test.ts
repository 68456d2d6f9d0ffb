import { beforeEach, describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import {
  approveBurstSession,
  endBurstSession,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import { callLocal } from '../../src/service/call.ts';
import { admitJob, checkJob, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { batchJobs } from '../../src/service/job-batch.ts';
import { createPool, updatePool } from '../../src/service/pools.ts';
import { getQuota, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings, getSettings } from '../../src/service/settings.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { repairUsage } from '../../src/service/usage.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { doors } from '../helpers/doors.ts';
import { useLedger } from '../helpers/balances.ts';
import { enqueue } from '../helpers/job.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { onFile, START } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const hodei = useLedger(doors[0]!);
const { call } = hodei;

const free = { memory_mb: null, gpu: null, max_concurrent_jobs: null };
const limited = { quota: { ...free, cpu_m: 1000 } };

let seen: number;
beforeEach(async () => {
  await makeTenant(call, 'acme', limited);
  seen = 0;
});

const run = (job: string, cpu: number, tenant = 'acme') =>
  call(admitJob, { tenant, job_id: job, cpu_m: cpu });
const release = (job: string, tenant = 'acme') => call(releaseJob, { job: `${tenant}:${job}` });

/** The notices since it was asked last: `warning cpu_m 800/1000`, and of what beside acme. */
async function told(): Promise<string[]> {
  const events = await hodei.events();
  const notices = events.slice(seen).filter(({ operation }) => operation === 'quota.notice');
  seen = events.length;
  return notices.map(({ after }) => {
    const { pool, resource, level, used, limit } = JSON.parse(after ?? '') as Told;
    const where = pool === null ? '' : ` in ${pool}`;
    return `${level} ${resource} ${used}/${limit}${where}`;
  });
}

interface Told {
  readonly pool: string | null;
  readonly resource: string;
  readonly level: string;
  readonly used: number;
  readonly limit: number;
}

describe('a notice', () => {
  it('is an event of hodei’s own behind that of the change, with the numbers', async () => {
    await run('a', 800);
    const [admitted, notice] = (await hodei.events()).slice(-2);
    const { tenant_id: id } = await call(getQuota, { tenant: 'acme' });
    expect(admitted).toMatchObject({ operation: 'job.admit', principal: 'ana' });
    expect(notice).toMatchObject({
      ...{ operation: 'quota.notice', principal: 'hodei', tenant: id, object: id, before: null },
      ...{ traceId: admitted?.traceId, reason: null },
    });
    expect(JSON.parse(notice?.after ?? '')).toEqual({
      ...{ pool: null, resource: 'cpu_m', level: 'warning', used: 800, limit: 1000 },
    });
  });

  it('is given once for each level, and again only after the use fell well below', async () => {
    await run('a', 799);
    expect(await told()).toEqual([]);
    await run('b', 1);
    expect(await told()).toEqual(['warning cpu_m 800/1000']);
    await release('b');
    await run('c', 50);
    expect(await told()).toEqual([]);
    await run('d', 110);
    expect(await told()).toEqual(['critical cpu_m 959/1000']);
    await release('a');
    await run('e', 640);
    expect(await told()).toEqual(['warning cpu_m 800/1000']);
  });

  it('names the higher level alone where both are crossed at once', async () => {
    await run('a', 1000);
    expect(await told()).toEqual(['critical cpu_m 1000/1000']);
  });

  it('is given for a job that is resized, and for one that is promoted', async () => {
    await run('a', 100);
    await call(resizeJob, { job: 'acme:a', cpu_m: 900 });
    expect(await told()).toEqual(['warning cpu_m 900/1000']);
    await enqueue(call, 'acme', { job_id: 'b', cpu_m: 1000 });
    expect(await told()).toEqual([]);
    await release('a');
    expect(await told()).toEqual(['critical cpu_m 1000/1000']);
  });

  it('is given to the tenant above whose limit the job of another comes near', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'shop', { parent: 'eng', ...limited });
    await call(setQuota, { tenant: 'eng', ...free, cpu_m: 2000 });
    await call(setQuota, { tenant: 'web', ...free, cpu_m: null });
    await told();
    await run('a', 1000, 'web');
    expect(await told()).toEqual([]);
    await run('b', 700, 'shop');
    expect(await told()).toEqual(['warning cpu_m 1700/2000']);
    const { tenant } = (await hodei.events()).at(-1) ?? {};
    const { tenant_id: eng } = await call(getQuota, { tenant: 'eng' });
    expect(tenant).toBe(eng);
  });

  it('is given for a pool, and for a tenant in it', async () => {
    await call(createPool, { id: 'gpu', resources: { cpu_m: 500 } });
    await call(setQuota, { tenant: 'acme', pool: 'gpu', cpu_m: 480 });
    await call(admitJob, { tenant: 'acme', pool: 'gpu', job_id: 'a', cpu_m: 450 });
    expect(await told()).toEqual(['warning cpu_m 450/480 in gpu', 'warning cpu_m 450/500 in gpu']);
    const [ofTenant, ofPool] = (await hodei.events()).slice(-2);
    expect(ofTenant?.tenant).not.toBeNull();
    expect(ofPool).toMatchObject({ tenant: null, object: 'gpu' });
  });

  it('is not given without a limit, nor for a limit of 0', async () => {
    await call(setQuota, { tenant: 'acme', cpu_m: null });
    await run('a', 5000);
    await call(setQuota, { tenant: 'acme', cpu_m: 0 });
    expect(await told()).toEqual([]);
  });
});

describe('a limit that changes', () => {
  it('below what is used is told of at once, and raised and lowered again anew', async () => {
    await run('a', 500);
    await call(setQuota, { tenant: 'acme', cpu_m: 400 });
    expect(await told()).toEqual(['critical cpu_m 500/400']);
    await call(setQuota, { tenant: 'acme', cpu_m: 450 });
    expect(await told()).toEqual([]);
    await call(setQuota, { tenant: 'acme', cpu_m: 5000 });
    await call(setQuota, { tenant: 'acme', cpu_m: 600 });
    expect(await told()).toEqual(['warning cpu_m 500/600']);
  });

  it('in a pool is told of, also when it is unset', async () => {
    await call(createPool, { id: 'gpu', max_size: 9, quotas: { max_jobs_per_tenant: 1 } });
    await call(setQuota, { tenant: 'acme', pool: 'gpu', max_concurrent_jobs: 9 });
    await call(admitJob, { tenant: 'acme', pool: 'gpu', cpu_m: 10 });
    expect(await told()).toEqual([]);
    await call(unsetQuota, { tenant: 'acme', pool: 'gpu', resource: 'max_concurrent_jobs' });
    expect(await told()).toEqual(['critical jobs 1/1 in gpu']);
  });

  it('of a pool is told of when the pool shrinks, by command or by the settings', async () => {
    const pool = { id: 'gpu', type: 'dynamic' as const, min_size: 1, max_size: 4 };
    await call(createPool, { ...pool, resources: { cpu_m: 500 } });
    await call(updatePool, { pool: 'gpu', size: 4 });
    await call(admitJob, { tenant: 'acme', pool: 'gpu', cpu_m: 700 });
    await call(updatePool, { pool: 'gpu', size: 2 });
    expect(await told()).toEqual([]);
    await call(updatePool, { pool: 'gpu', size: 1 });
    expect(await told()).toEqual(['critical cpu_m 700/500 in gpu']);
    await call(updatePool, { pool: 'gpu', size: 4 });
    const settings = await call(getSettings, {});
    const listed = [{ ...pool, max_size: 1, resources: { cpu_m: 500 } }];
    await call(applySettings, { ...settings, resource_pools: { pools: listed } });
    expect(await told()).toEqual(['critical cpu_m 700/500 in gpu']);
  });

  it('because a tenant with its jobs moved below it is told of', async () => {
    await makeTenant(call, 'eng', limited);
    await run('a', 790);
    await call(updateTenant, { tenant: 'acme', parent: 'eng' });
    expect(await told()).toEqual([]);
    await run('b', 10);
    expect(await told()).toEqual(['warning cpu_m 800/1000', 'warning cpu_m 800/1000']);
    await makeTenant(call, 'ops', limited);
    await call(updateTenant, { tenant: 'acme', parent: 'ops' });
    expect(await told()).toEqual(['warning cpu_m 800/1000']);
  });

  it('is nothing that a repair hides: what it finds to be used is told of', async () => {
    await run('a', 700);
    await run('b', 150);
    await told();
    onFile(hodei.path, (db) => db.exec('delete from quota_notice; update balance set used = 1'));
    await call(repairUsage, {});
    expect(await told()).toEqual(['warning cpu_m 850/1000']);
  });
});

describe('a burst session', () => {
  it('makes room without a notice, and its end is told of', async () => {
    await run('a', 960);
    expect(await told()).toEqual(['critical cpu_m 960/1000']);
    const { id } = await call(requestBurstSession, {
      ...{ tenant: 'acme', percentage: 150, duration_seconds: 3600, reason: 'release week' },
    });
    await hodei.local({ principal: 'ben' })(approveBurstSession, { burst: id });
    await run('b', 40);
    expect(await told()).toEqual([]);
    await run('c', 200);
    expect(await told()).toEqual(['warning cpu_m 1200/1500']);
    await call(endBurstSession, { burst: id });
    expect(await told()).toEqual(['critical cpu_m 1200/1000']);
  });

  it('that runs out is told of in the same way, with the next change', async () => {
    await run('a', 960);
    const { id } = await call(requestBurstSession, {
      ...{ tenant: 'acme', percentage: 150, duration_seconds: 60, reason: 'release week' },
    });
    await hodei.local({ principal: 'ben' })(approveBurstSession, { burst: id });
    await told();
    hodei.clock.advance(60_000);
    await call(setQuota, { tenant: 'acme', gpu: 1 });
    expect(await told()).toEqual(['critical cpu_m 960/1000']);
  });

  it('that opens for a job counts for the notice of that job', async () => {
    const settings = await call(getSettings, {});
    await call(applySettings, {
      ...settings,
      multi_tenancy: { quota_enforcement: { violation_policy: 'burst' } },
      burst_capacity: { approval: { auto_approve_threshold: 150 } },
    });
    await run('a', 700);
    const { state, burst } = await run('b', 400);
    expect({ state, isLent: typeof burst }).toEqual({ state: 'admitted', isLent: 'string' });
    expect(await told()).toEqual([]);
    await run('c', 100);
    expect(await told()).toEqual(['warning cpu_m 1200/1500']);
  });
});

describe('what was told', () => {
  it('is remembered by the file, and not by the process', async () => {
    await run('a', 800);
    await told();
    const { path, environment } = hodei;
    const store = openSqliteStore({ path, create: false, now: () => START });
    const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
    const elsewhere = callAs(callLocal(store, environment), ana);
    await elsewhere(admitJob, { tenant: 'acme', job_id: 'b', cpu_m: 50 });
    expect(await told()).toEqual([]);
    await elsewhere(admitJob, { tenant: 'acme', job_id: 'c', cpu_m: 100 });
    await store.close();
    expect(await told()).toEqual(['critical cpu_m 950/1000']);
  });

  it('is undone with what was only tried', async () => {
    await call(checkJob, { tenant: 'acme', cpu_m: 900 });
    await call(admitJob, { tenant: 'acme', cpu_m: 900 }, { dryRun: true });
    expect(await told()).toEqual([]);
    await run('a', 900);
    expect(await told()).toEqual(['warning cpu_m 900/1000']);
  });

  it('is said once of a batch, and of none that was only tried', async () => {
    const jobs = [400, 400, 400].map((cpu, i) => ({
      ...{ tenant: 'acme', job_id: `j${i}`, cpu_m: cpu },
    }));
    await call(batchJobs, { jobs }, { dryRun: true });
    expect(await told()).toEqual([]);
    const { items } = await call(batchJobs, { jobs });
    expect(items.map((item) => 'state' in item && item.state)).toEqual([
      ...['admitted', 'admitted', 'rejected'],
    ]);
    expect(await told()).toEqual(['warning cpu_m 800/1000']);
  });

  it('is nothing while notices are off, and caught up on when they are on again', async () => {
    const settings = await call(getSettings, {});
    const set = (notices: object) =>
      call(applySettings, { ...settings, multi_tenancy: { quota_enforcement: { notices } } });
    await set({ enabled: false });
    await run('a', 900);
    expect(await told()).toEqual([]);
    await set({ warning_threshold: 0.5, critical_threshold: 0.99 });
    await run('b', 1);
    expect(await told()).toEqual(['warning cpu_m 901/1000']);
  });

  it('has no row where the use is far below', async () => {
    await run('a', 700);
    await run('b', 49);
    const rows = () => onFile(hodei.path, (db) => db.prepare('select * from quota_notice').all());
    expect(rows()).toEqual([]);
    await run('c', 60);
    expect(rows()).toMatchObject([{ level: 'warning' }]);
  });
});
