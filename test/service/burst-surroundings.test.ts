import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  approveBurstSession,
  cancelBurst,
  denyBurst,
  endBurstSession,
  getBurst,
  listBursts,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import { callLocal } from '../../src/service/call.ts';
import { adoptJobs } from '../../src/service/job-batch.ts';
import {
  admitJob,
  checkJob,
  getJob,
  listJobs,
  releaseJob,
  resizeJob,
} from '../../src/service/jobs.ts';
import { setPolicies } from '../../src/service/policies.ts';
import { createPool, deletePool } from '../../src/service/pools.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import {
  createTenant,
  deleteTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { repairUsage, verifyUsage } from '../../src/service/usage.ts';
import { backupTo } from '../../src/store/sqlite/backup.ts';
import { restoreFrom } from '../../src/store/sqlite/restore.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import { useBursts } from '../helpers/burst.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, TRACE_ID, type TestService } from '../helpers/service.ts';
import { dump, newFolder, onFile, removeFolder } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const lent = { percentage: 150, duration_seconds: 3600 };
const { hodei, ben, ask, agreed, touch, quota } = useBursts(lent);
const evicting = (more: object = {}) => agreed({ on_end: 'evict', ...more });
const stateOf = async (job: { id: string | null }) =>
  (await hodei.call(getJob, { job: idOf(job) })).state;

async function settled(): Promise<void> {
  hodei.clock.advance(HOUR);
  await touch();
}

describe('limits that are changed while a session lasts', () => {
  it('are followed by a percentage', async () => {
    await agreed({ resources: ['cpu_m'] });
    const waiting = await enqueue(hodei.call, 'acme', { cpu_m: 6000 });
    expect(waiting.state).toBe('admitted');
    const next = await enqueue(hodei.call, 'acme', { cpu_m: 3000 });
    expect(next.state).toBe('queued');
    const changed = await hodei.call(setQuota, { tenant: 'acme', cpu_m: 6000 });
    expect(changed).toMatchObject({
      ...{ cpu_m: 6000, effective: { cpu_m: 9000 } },
      effects: { started: [{ id: idOf(next) }] },
    });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 2001 });
    expect(await quota()).toMatchObject({ cpu_m: 2001, effective: { cpu_m: 3001 } });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: null });
    expect(await quota()).toMatchObject({ cpu_m: null, effective: {}, bursts: [] });
  });

  it('are what amounts are added to', async () => {
    await agreed({ percentage: undefined, add: { cpu_m: 1500 } });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 1000 });
    expect(await quota()).toMatchObject({ cpu_m: 1000, effective: { cpu_m: 2500 } });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 0 });
    expect(await quota()).toMatchObject({ effective: { cpu_m: 1500 } });
  });

  it('hold again at the end, as they are by then', async () => {
    await evicting();
    const job = await admit(hodei.call, 'acme', { cpu_m: 5000 });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 5000 });
    await settled();
    expect([await stateOf(job), (await quota())['effective']]).toEqual(['admitted', {}]);
  });
});

describe('at its end a session evicts', () => {
  const over = () => admit(hodei.call, 'acme', { cpu_m: 1500 });
  beforeEach(async () => {
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
  });

  it('the youngest, and nobody else where that is enough', async () => {
    const [first] = (await hodei.call(listJobs, {})).items;
    await evicting();
    const older = await admit(hodei.call, 'acme', { cpu_m: 500 });
    const younger = await admit(hodei.call, 'acme', { cpu_m: 1000 });
    await hodei.call(resizeJob, { job: first?.id ?? '', cpu_m: 3500 });
    await settled();
    expect([await stateOf(older), await stateOf(younger)]).toEqual(['admitted', 'evicted']);
  });

  it('nobody who was let in by a rule above limits', async () => {
    await hodei.call(setPolicies, {
      time_zone: 'UTC',
      rules: [{ name: 'let-in', on: 'violation', when: 'request.priority > 5', action: 'allow' }],
    });
    await evicting();
    const lent = await over();
    const allowed = await admit(hodei.call, 'acme', { cpu_m: 3000, priority: 9 });
    expect(allowed).toMatchObject({ state: 'admitted', mark: 'override', burst: null });
    await settled();
    expect([await stateOf(lent), await stateOf(allowed)]).toEqual(['evicted', 'admitted']);
  });

  it('nobody who ran before hodei knew of it', async () => {
    await evicting();
    const adopted = await hodei.call(adoptJobs, { jobs: [{ tenant: 'acme', cpu_m: 2000 }] });
    const [job] = adopted.items as unknown as { id: string }[];
    await settled();
    expect(await stateOf({ id: job?.id ?? null })).toBe('admitted');
  });

  it('nobody who got in by a session that keeps what runs', async () => {
    await hodei.call(applySettings, { burst_capacity: { burst_cooldown_minutes: 0 } });
    await agreed({ percentage: 150 });
    const kept = await over();
    await evicting({ percentage: 120 });
    await settled();
    expect(await stateOf(kept)).toBe('admitted');
  });

  it('who has grown by it, and not who has shrunk until it fits', async () => {
    await evicting();
    const grown = await admit(hodei.call, 'acme', { gpu: 0, memory_mb: 1 });
    await hodei.call(resizeJob, { job: idOf(grown), cpu_m: 1000 });
    expect(await hodei.call(getJob, { job: idOf(grown) })).toMatchObject({
      burst: expect.stringMatching(/^bst-/),
    });
    const shrunk = await admit(hodei.call, 'acme', { cpu_m: 900, memory_mb: 2 });
    await hodei.call(resizeJob, { job: idOf(shrunk), cpu_m: 0 });
    await settled();
    expect([await stateOf(grown), await stateOf(shrunk)]).toEqual(['evicted', 'admitted']);
  });

  it('nobody who has moved away with a tenant, and so goes on elsewhere', async () => {
    await hodei.call(createTenant, { name: 'web', email: 'a@b.example', parent: 'acme' });
    await evicting();
    const job = await admit(hodei.call, 'web', { cpu_m: 1500 });
    expect(job.burst).not.toBeNull();
    await hodei.call(updateTenant, { tenant: 'web', parent: null });
    await settled();
    expect(await stateOf(job)).toBe('admitted');
  });

  it('who runs below the tenant, where that is what is too much', async () => {
    await hodei.call(createTenant, { name: 'web', email: 'a@b.example', parent: 'acme' });
    await evicting();
    const job = await admit(hodei.call, 'web', { cpu_m: 1500 });
    await settled();
    expect(await stateOf(job)).toBe('evicted');
  });

  it('nobody while another session still lifts enough', async () => {
    await hodei.call(applySettings, { burst_capacity: { burst_cooldown_minutes: 0 } });
    await evicting({ percentage: 150, duration_seconds: 1800 });
    await evicting({ percentage: 140 });
    const job = await over();
    hodei.clock.advance(HOUR / 2);
    await touch();
    expect(await stateOf(job)).toBe('admitted');
  });
});

describe('a tenant to which something is lent', () => {
  it('starts nothing while it is suspended, and what waited starts when it is resumed', async () => {
    await hodei.call(suspendTenant, { tenant: 'acme' });
    await agreed();
    expect(await admit(hodei.call, 'acme', { cpu_m: 5000 })).toMatchObject({ code: 'suspended' });
    await hodei.call(resumeTenant, { tenant: 'acme' });
    expect((await admit(hodei.call, 'acme', { cpu_m: 5000 })).state).toBe('admitted');
  });

  it('takes it along when it moves, and its new ancestors bind', async () => {
    await makeTenant(hodei.call, 'eng', { quota: { cpu_m: 4500 } });
    await agreed();
    await hodei.call(updateTenant, { tenant: 'acme', parent: 'eng' });
    expect(await quota()).toMatchObject({
      ...{ effective: { cpu_m: 6000 }, bound_by: { cpu_m: { tenant: 'eng', free: 4500 } } },
    });
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 4501 })).toMatchObject({
      ...{ state: 'rejected', violations: [{ scope: { tenant: 'eng' } }] },
    });
  });

  it('loses it when it is deleted, also what is only asked for', async () => {
    const active = await agreed();
    const asked = await ask({ starts_at: '2026-11-24T09:00:00Z' });
    await admit(hodei.call, 'acme', { cpu_m: 5000 });
    await hodei.call(deleteTenant, { tenant: 'acme', cascade: true });
    const states = [];
    for (const { id } of [active, asked]) {
      states.push((await hodei.call(getBurst, { burst: id })).state);
    }
    expect(states).toEqual(['ended', 'cancelled']);
    await makeTenant(hodei.call, 'acme');
    expect(await quota()).toMatchObject({ effective: {}, bursts: [] });
  });

  it('has it in one pool alone, and loses it when that is deleted', async () => {
    await hodei.call(createPool, { id: 'gpu', max_size: 1, resources: { cpu_m: 9000 } });
    await hodei.call(setQuota, { tenant: 'acme', pool: 'gpu', cpu_m: 1000 });
    const active = await agreed({ pool: 'gpu' });
    const quotaThere = await hodei.call(getQuota, { tenant: 'acme', pool: 'gpu' });
    expect(quotaThere).toMatchObject({ effective: { cpu_m: 1500 } });
    expect(await quota()).toMatchObject({ effective: {} });
    await hodei.call(createPool, { id: 'cpu', max_size: 1, resources: { cpu_m: 9000 } });
    await hodei.call(setQuota, { tenant: 'acme', pool: 'cpu', cpu_m: 1000 });
    const elsewhere = await hodei.call(getQuota, { tenant: 'acme', pool: 'cpu' });
    expect(elsewhere).toMatchObject({ effective: {}, bursts: [] });
    await hodei.call(deletePool, { pool: 'gpu' });
    expect(await hodei.call(getBurst, { burst: active.id })).toMatchObject({ state: 'ended' });
  });
});

describe('where sessions are switched off', () => {
  it('none lifts anything, and switched on again who waits starts', async () => {
    await agreed();
    await hodei.call(applySettings, { burst_capacity: { enabled: false } });
    expect(await quota()).toMatchObject({ effective: {} });
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
    const waiting = await enqueue(hodei.call, 'acme', { cpu_m: 1000 });
    expect(waiting.state).toBe('queued');
    await hodei.call(applySettings, { burst_capacity: { enabled: true } });
    expect(await stateOf(waiting)).toBe('admitted');
  });
});

describe('a session that was asked for', () => {
  it('is not agreed to by who asked', async () => {
    const { id } = await ask();
    expect(await refusal(hodei.call(approveBurstSession, { burst: id }))).toMatchObject({
      code: 'forbidden',
    });
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({
      ...{ state: 'requested', approvals: [] },
    });
  });

  it.each([
    ['cooldown', { burst_cooldown_minutes: 15 }],
    ['day', { max_per_tenant_per_day: 1 }],
    ['crowd', { max_concurrent_burst_sessions: 1 }],
  ])('is not agreed to where another one left no room for it since: %s', async (_, bound) => {
    const unbounded = { burst_cooldown_minutes: 0, max_per_tenant_per_day: 3 };
    await hodei.call(applySettings, { burst_capacity: unbounded });
    const first = await ask();
    const second = await ask({ percentage: 120 });
    await hodei.call(applySettings, { burst_capacity: { ...unbounded, ...bound } });
    await ben(approveBurstSession, { burst: first.id });
    const refused = await refusal(ben(approveBurstSession, { burst: second.id }));
    expect(refused.code).toBe('conflict');
    expect(refused.message).toContain(Object.keys(bound)[0]);
    expect((await hodei.call(getBurst, { burst: second.id })).approvals).toEqual([]);
  });
});

it('the cooldown begins when a session really ended', async () => {
  const { id } = await agreed();
  await hodei.call(endBurstSession, { burst: id });
  const refused = await refusal(ask());
  expect(refused.hint).toContain('The next one can begin at 2026-11-23T09:15:00Z');
  await ask({ starts_at: '2026-11-23T09:15:00Z' });
});

describe('a session that opens by itself', () => {
  it('is the only one there, also where they may follow each other at once', async () => {
    await hodei.call(applySettings, {
      multi_tenancy: { quota_enforcement: { violation_policy: 'burst' } },
      burst_capacity: { burst_cooldown_minutes: 0, approval: { auto_approve_threshold: 120 } },
    });
    await admit(hodei.call, 'acme', { cpu_m: 4800 });
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 5000 });
    expect((await admit(hodei.call, 'acme', { cpu_m: 1200 })).state).toBe('admitted');
    expect((await admit(hodei.call, 'acme', { cpu_m: 1 })).state).toBe('rejected');
    expect((await hodei.call(listBursts, {})).items).toHaveLength(1);
  });
});

describe('the ledger', () => {
  it('is right in a session, after it, and when it is made anew', async () => {
    await evicting();
    await admit(hodei.call, 'acme', { cpu_m: 3000 });
    await admit(hodei.call, 'acme', { cpu_m: 3000 });
    const right = { differences: [] };
    expect(await hodei.call(verifyUsage, {})).toMatchObject(right);
    onFile(hodei.path, (db) => db.prepare('update balance set used = used + 1').run());
    await hodei.call(repairUsage, {});
    expect(await hodei.call(verifyUsage, {})).toMatchObject(right);
    await settled();
    expect(await hodei.call(verifyUsage, {})).toMatchObject(right);
    expect(await quota()).toMatchObject({ current_usage: { cpu_m: 3000 } });
  });

  it('that is restored has its sessions, which end at their time', async () => {
    const folder = newFolder();
    const backup = join(folder, 'backup.db');
    const burst = await evicting();
    const job = await admit(hodei.call, 'acme', { cpu_m: 5000 });
    await backupTo(hodei.path, backup, async () => undefined);
    await hodei.call(releaseJob, { job: idOf(job) });
    const other = join(folder, 'hodei.db');
    await restoreFrom(other, backup, {
      ...{ now: hodei.clock.now, dryRun: false },
      ...{ verifyContents: async () => undefined, record: async () => undefined },
    });
    const store = openSqliteStore({ path: other, create: false, now: hodei.clock.now });
    const service = callLocal(store, { now: hodei.clock.now, newId: hodei.ids.newId });
    const call = callAs(service, { ...fullAuthority, principal: 'eva', traceId: TRACE_ID });
    expect(await call(getBurst, { burst: burst.id })).toMatchObject({ state: 'active', jobs: 1 });
    hodei.clock.advance(HOUR);
    await call(setQuota, { tenant: 'acme', gpu: 0 });
    expect(await call(getJob, { job: idOf(job) })).toMatchObject({ state: 'evicted' });
    await store.close();
    removeFolder(folder);
  });
});

describe('a dry run', () => {
  it.each<[string, (call: TestService['call'], ids: Ids) => Promise<unknown>, object]>([
    [
      'asking',
      (call) =>
        call(
          requestBurstSession,
          { ...lent, tenant: 'acme', reason: 'release week', starts_at },
          dry,
        ),
      { state: 'requested' },
    ],
    [
      'approving',
      (call, { asked }) => call(approveBurstSession, { burst: asked }, dry),
      { state: 'approved' },
    ],
    [
      'denying',
      (call, { asked }) => call(denyBurst, { burst: asked, reason: 'no' }, dry),
      { state: 'denied' },
    ],
    [
      'taking back',
      (call, { asked }) => call(cancelBurst, { burst: asked }, dry),
      { state: 'cancelled' },
    ],
    [
      'ending',
      (call, { active }) => call(endBurstSession, { burst: active }, dry),
      { state: 'ended' },
    ],
    [
      'a job that opens one',
      (call) => call(admitJob, { tenant: 'web', cpu_m: 4500 }, dry),
      { state: 'admitted' },
    ],
    [
      'a check that would',
      (call) => call(checkJob, { tenant: 'web', cpu_m: 4500 }),
      { state: 'admitted' },
    ],
  ])('of %s answers what would be, and writes nothing', async (_, change, answer) => {
    await hodei.call(applySettings, {
      multi_tenancy: { quota_enforcement: { violation_policy: 'burst' } },
      burst_capacity: { burst_cooldown_minutes: 0, approval: { auto_approve_threshold: 120 } },
    });
    await makeTenant(hodei.call, 'web');
    const { id: active } = await evicting();
    await admit(hodei.call, 'acme', { cpu_m: 5000 });
    const { id: asked } = await ask({ starts_at });
    const before = dump(hodei.path);
    expect(await change(ben, { active, asked })).toMatchObject(answer);
    expect(dump(hodei.path)).toEqual(before);
  });

  const dry = { dryRun: true };
  const starts_at = '2026-11-23T12:00:00Z';
  interface Ids {
    readonly active: string;
    readonly asked: string;
  }
});
