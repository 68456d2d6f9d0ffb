import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/domain/settings.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import {
  approveBurstSession,
  cancelBurst,
  endBurstSession,
  getBurst,
  listBursts,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import { callLocal } from '../../src/service/call.ts';
import { steadyClock } from '../../src/service/clock.ts';
import { admitJob, getJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { applySettings, beginSettings } from '../../src/service/settings.ts';
import { deleteTenant } from '../../src/service/tenants.ts';
import { requireBalanced } from '../helpers/balances.ts';
import { countingIds } from '../helpers/ids.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, testService, TRACE_ID, type TestService } from '../helpers/service.ts';
import { openTestStore, START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const wanted = { tenant: 'acme', percentage: 150, duration_seconds: 3600, reason: 'release week' };

describe('a clock that somebody sets', () => {
  const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };

  /** A machine whose wall clock and uptime are set apart, and a service on it. */
  async function onMachine(work: (machine: Machine) => Promise<void>): Promise<void> {
    const opened = openTestStore();
    const time = { wall: START, up: 5_000 };
    const clock = () =>
      steadyClock({ wallClock: () => time.wall, uptime: () => time.up, boot: 'boot-1' });
    const { newId } = countingIds();
    await beginSettings(opened.store, { now: clock(), newId }, ana, defaultSettings);
    // Every call is of a process of its own.
    const as = (principal: string): Call =>
      callAs(callLocal(opened.store, { now: clock(), newId }), { ...ana, principal });
    await makeTenant(as('ana'), 'acme');
    await work({ time, as });
    await opened.close();
  }

  interface Machine {
    readonly time: { wall: number; up: number };
    as(principal: string): Call;
  }

  async function agreed({ as }: Machine, more: object = {}): Promise<string> {
    const { id } = await as('ana')(requestBurstSession, { ...wanted, ...more });
    await as('ben')(approveBurstSession, { burst: id });
    return id;
  }

  it.each([10 * HOUR, -10 * HOUR, 400 * 24 * HOUR])(
    'by %j ms neither begins, ends nor extends a session',
    (jump) =>
      onMachine(async (machine) => {
        const { time, as } = machine;
        const now = await agreed(machine);
        const startsAt = new Date(START + 2 * HOUR).toISOString();
        const later = await agreed(machine, { starts_at: startsAt });
        const states = async () => [
          (await as('eva')(getBurst, { burst: now })).state,
          (await as('eva')(getBurst, { burst: later })).state,
        ];
        const moments: [up: number, states: string[]][] = [
          [0, ['active', 'approved']],
          [HOUR - 1, ['active', 'approved']],
          [1, ['ended', 'approved']],
          [HOUR - 1, ['ended', 'approved']],
          [1, ['ended', 'active']],
          [HOUR - 1, ['ended', 'active']],
          [1, ['ended', 'ended']],
        ];
        for (const [up, expected] of moments) {
          time.up += up;
          time.wall += jump;
          expect(await states()).toEqual(expected);
          await as('eva')(setQuota, { tenant: 'acme', gpu: 0 });
          expect(await states()).toEqual(expected);
        }
      }),
  );
});

describe('a session', () => {
  let hodei: TestService;
  beforeEach(async () => {
    hodei = await testService();
    await makeTenant(hodei.call, 'acme');
  });
  afterEach(async () => {
    requireBalanced(hodei.path);
    await hodei.close();
  });

  const ben: TestService['call'] = (...call) => hodei.as({ principal: 'ben' })(...call);
  const ask = (more: object = {}) => hodei.call(requestBurstSession, { ...wanted, ...more });
  const agreed = async (more: object = {}) =>
    ben(approveBurstSession, { burst: (await ask(more)).id });
  const touch = () => hodei.call(setQuota, { tenant: 'acme', gpu: 0 });
  /** What was written about all but limits, since so many events. */
  const told = async (after = 0) =>
    (await hodei.events())
      .slice(after)
      .filter(({ operation }) => /^(burst|job)\./.test(operation))
      .map(({ operation, object }) => `${operation} ${object}`);
  const stateOf = async (burst: string) => (await hodei.call(getBurst, { burst })).state;

  it('that begins and ends while nobody comes is settled together with leases and waiting jobs', async () => {
    await hodei.call(setQuota, { tenant: 'acme', cpu_m: 4000 });
    const lease = await admit(hodei.call, 'acme', { cpu_m: 1000, ttl_seconds: 1800 });
    const running = await admit(hodei.call, 'acme', { cpu_m: 3000 });
    const waiting = await enqueue(hodei.call, 'acme', { cpu_m: 2500 });
    const first = await agreed({ starts_at: '2026-11-23T10:00:00Z', on_end: 'evict' });
    const second = await agreed({ starts_at: '2026-11-23T11:30:00Z' });
    const before = (await hodei.events()).length;
    hodei.clock.advance(3 * HOUR);
    // 12:00: the lease is over, the first session was, and the second is in force.
    expect([await stateOf(first.id), await stateOf(second.id)]).toEqual(['ended', 'active']);
    await touch();
    expect(await told(before)).toEqual([
      `job.expire ${idOf(lease)}`,
      `burst.begin ${first.id}`,
      `burst.expire ${first.id}`,
      `burst.begin ${second.id}`,
      `job.promote ${idOf(waiting)}`,
    ]);
    expect(await hodei.call(getJob, { job: idOf(waiting) })).toMatchObject({ burst: second.id });
    expect((await hodei.call(getJob, { job: idOf(running) })).state).toBe('admitted');
    expect((await hodei.call(getBurst, { burst: first.id })).ended_at).toBe(
      '2026-11-23T11:00:00.000Z',
    );
    hodei.clock.advance(HOUR);
    await touch();
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject({
      ...{ cpu_m: 4000, effective: {}, bursts: [] },
    });
  });

  it('that ends makes no room for who waits, and nothing of it is left', async () => {
    await agreed();
    await admit(hodei.call, 'acme', { cpu_m: 6000 });
    const waiting = await enqueue(hodei.call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(HOUR);
    await touch();
    expect((await hodei.call(getJob, { job: idOf(waiting) })).state).toBe('queued');
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 1 })).toMatchObject({
      state: 'rejected',
      violations: [{ limit: 4000, used: 6000, over_by: 2001 }],
    });
  });

  it('is so until the last millisecond, and not one longer', async () => {
    await agreed();
    hodei.clock.advance(HOUR - 1);
    const last = await admit(hodei.call, 'acme', { cpu_m: 5000 });
    expect(last.state).toBe('admitted');
    hodei.clock.advance(1);
    const quota = await hodei.call(getQuota, { tenant: 'acme' });
    expect(quota).toMatchObject({ effective: {}, current_usage: { cpu_m: 5000 } });
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 1 })).toMatchObject({
      violations: [{ limit: 4000, used: 5000, over_by: 1001 }],
    });
  });

  it('with a fixed end that is approved after its begin, begins then and ends when it was said', async () => {
    const { id, lapses_at } = await ask({ starts_at: '2026-11-23T10:00:00Z' });
    expect(lapses_at).toBe('2026-11-23T11:00:00.000Z');
    hodei.clock.advance(80 * MINUTE);
    expect(await ben(approveBurstSession, { burst: id })).toMatchObject({
      state: 'active',
      starts_at: '2026-11-23T10:20:00.000Z',
      ends_at: '2026-11-23T11:00:00.000Z',
    });
    hodei.clock.advance(40 * MINUTE);
    expect(await stateOf(id)).toBe('ended');
  });

  it('with a fixed end lapses at that end', async () => {
    const { id } = await ask({ starts_at: '2026-11-23T10:00:00Z' });
    hodei.clock.advance(2 * HOUR);
    expect(await refusal(ben(approveBurstSession, { burst: id }))).toMatchObject({
      message: `${id} is lapsed, and cannot be approved.`,
    });
    expect((await told()).filter((line) => line.endsWith(id))).toEqual([
      `burst.request ${id}`,
      `burst.lapse ${id}`,
    ]);
  });

  it('lasts exactly as long where clocks are put back or forward meanwhile', async () => {
    const before = await ask({ starts_at: '2026-12-25T02:30:00+02:00' });
    const after = await ask({ starts_at: '2026-12-25T02:30:00+01:00' });
    expect([before.starts_at, before.ends_at]).toEqual([
      '2026-12-25T00:30:00.000Z',
      '2026-12-25T01:30:00.000Z',
    ]);
    expect([after.starts_at, after.ends_at]).toEqual([
      '2026-12-25T01:30:00.000Z',
      '2026-12-25T02:30:00.000Z',
    ]);
    // In Madrid a day of 23 hours, of which those from two to three are not.
    const spring = { starts_at: '2027-03-28T00:30:00+01:00', duration_seconds: 24 * 3600 };
    expect(await ask(spring)).toMatchObject({
      starts_at: '2027-03-27T23:30:00.000Z',
      ends_at: '2027-03-28T23:30:00.000Z',
    });
  });

  it('of another hour with the same time on the clock is another one, and keeps the cooldown', async () => {
    // 2026-11-01 in New York has half past one twice; here a year later.
    const first = await agreed({ starts_at: '2027-11-07T01:30:00-04:00', duration_seconds: 1800 });
    expect(first.ends_at).toBe('2027-11-07T06:00:00.000Z');
    expect(await refusal(ask({ starts_at: '2027-11-07T01:14:59-05:00' }))).toMatchObject({
      hint: 'The next one can begin at 2027-11-07T06:15:00Z: --at 2027-11-07T06:15:00Z',
    });
    await ask({ starts_at: '2027-11-07T01:15:00-05:00' });
  });
});

describe('more sessions than are settled at once', () => {
  const COUNT = 205;
  let hodei: TestService;
  let ids: string[];
  beforeEach(async () => {
    hodei = await testService();
    await hodei.call(applySettings, {
      multi_tenancy: { default_tenant_quota: { cpu_m: 4000 } },
      burst_capacity: {
        ...{ max_concurrent_burst_sessions: null, max_per_tenant_per_day: null },
        approval: { auto_approve_threshold: 150 },
      },
    });
    const names = Array.from({ length: COUNT }, (_, i) => `t${i}`);
    await Promise.all(names.map((name) => makeTenant(hodei.call, name)));
    const starts_at = '2026-11-23T10:00:00Z';
    const made = await Promise.all(
      names.map((tenant) => hodei.call(requestBurstSession, { ...wanted, tenant, starts_at })),
    );
    ids = made.map(({ id }) => id);
  });
  afterEach(() => hodei.close());

  const touch = () => hodei.call(setQuota, { tenant: 't0', gpu: 0 });
  const count = async (operation: string) =>
    (await hodei.events()).filter((event) => event.operation === operation).length;

  it('begin and end for everybody at their moment, and are written down by what comes next', async () => {
    hodei.clock.advance(HOUR);
    const { items } = await hodei.call(listBursts, { state: 'active', limit: 500 });
    expect(items).toHaveLength(COUNT);
    await touch();
    expect(await count('burst.begin')).toBe(200);
    expect(await admit(hodei.call, `t${COUNT - 1}`, { cpu_m: 6000 })).toMatchObject({
      ...{ state: 'admitted', burst: ids.at(-1) },
    });
    expect(await count('burst.begin')).toBe(COUNT);
    hodei.clock.advance(HOUR);
    await touch();
    await touch();
    await touch();
    expect([await count('burst.begin'), await count('burst.expire')]).toEqual([COUNT, COUNT]);
  });

  it('one that has begun, and nobody has written that yet, is ended as one that has begun', async () => {
    hodei.clock.advance(HOUR);
    const last = ids.at(-1) ?? '';
    expect(await hodei.call(endBurstSession, { burst: last })).toMatchObject({ state: 'ended' });
    const told = (await hodei.events()).filter(({ object }) => object === last);
    expect(told.map(({ operation }) => operation)).toEqual([
      'burst.request',
      'burst.begin',
      'burst.end',
    ]);
  });

  it('cannot be taken back then', async () => {
    hodei.clock.advance(HOUR);
    const last = ids.at(-1) ?? '';
    expect(await refusal(hodei.call(cancelBurst, { burst: last }))).toMatchObject({
      message: `${last} is active, and cannot be cancelled.`,
    });
  });

  it('and goes with its tenant as one that has begun', async () => {
    hodei.clock.advance(HOUR);
    const last = ids.at(-1) ?? '';
    await hodei.call(deleteTenant, { tenant: `t${COUNT - 1}` });
    expect((await hodei.call(getBurst, { burst: last })).state).toBe('ended');
  });
});
