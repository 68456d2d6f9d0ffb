import { describe, expect, it } from 'vitest';
import { reportCost } from '../../src/service/costs.ts';
import { releaseJob } from '../../src/service/jobs.ts';
import { listRates, setRate, unsetRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { requestBurstSession } from '../../src/service/bursts.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { admit, idOf } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const at = (hours: number) => new Date(START + hours * HOUR).toISOString();

describe.each(doors)('rates ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const total = async () => (await call(reportCost, {})).total_micro;
  const listed = async (input: { all?: boolean } = {}) =>
    (await call(listRates, input)).items.map(
      ({ resource, pool, price_micro: price, source, state }) =>
        `${resource} ${pool ?? 'everywhere'} ${price} ${source} ${state}`,
    );

  it('are those of the config file where nobody said anything', async () => {
    expect(await listed()).toEqual([
      'cpu_m everywhere 50000 config in_force',
      'memory_mb everywhere 10000 config in_force',
      'gpu everywhere 2500000 config in_force',
      'burst everywhere 1000000 config in_force',
    ]);
  });

  it('hold from when they are said on, and what was said before is over', async () => {
    await call(setRate, { resource: 'cpu_m', price_micro: 60_000 });
    hodei.clock.advance(1);
    const set = await call(setRate, { resource: 'cpu_m', price_micro: 70_000 });
    expect(set).toMatchObject({ per: 'core', state: 'in_force', source: 'operator' });
    await call(setRate, { resource: 'cpu_m', price_micro: 80_000, from: at(5) });
    expect((await listed()).slice(0, 2)).toEqual([
      'cpu_m everywhere 70000 operator in_force',
      'cpu_m everywhere 80000 operator to_come',
    ]);
    expect((await listed({ all: true })).slice(0, 4)).toEqual([
      'cpu_m everywhere 60000 operator over',
      'cpu_m everywhere 70000 operator in_force',
      'cpu_m everywhere 80000 operator to_come',
      'cpu_m everywhere 50000 config covered',
    ]);
  });

  it('of a pool precede those of everywhere, which precede the config file', async () => {
    await makePool(call, 'gpu', { max_size: 1 });
    await makeTenant(call, 'acme');
    for (const pool of ['gpu', 'default']) await admit(call, 'acme', { cpu_m: 1000, pool });
    await call(setRate, { resource: 'cpu_m', pool: 'gpu', price_micro: 1_000 });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(1_000 + 50_000);
    await call(setRate, { resource: 'cpu_m', price_micro: 2_000 });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(51_000 + 1_000 + 2_000);
    await call(unsetRate, { resource: 'cpu_m', pool: 'gpu' });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(54_000 + 2_000 + 2_000);
    await call(unsetRate, { resource: 'cpu_m' });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(58_000 + 50_000 + 50_000);
  });

  it('of a kind stand in place of that of what it is a kind of', async () => {
    await call(applySettings, { resources: [{ name: 'gpu.h100', default_limit: 4 }] });
    await makeTenant(call, 'acme', {
      quota: { cpu_m: 0, memory_mb: 0, gpu: 4, max_concurrent_jobs: 4, 'gpu.h100': 4 },
    });
    await admit(call, 'acme', { 'gpu.h100': 1 });
    await admit(call, 'acme', { gpu: 2 });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(3 * 2_500_000);
    await call(setRate, { resource: 'gpu.h100', price_micro: 9_000_000, from: at(0) });
    expect(await total()).toBe(2 * 2_500_000 + 9_000_000);
    const { rows } = await call(reportCost, {});
    expect(rows[0]?.resources).toMatchObject({ gpu: { unit_hours: 3, cost_micro: 14_000_000 } });
  });

  it('are multiplied for what runs under a burst session', async () => {
    await makeTenant(call, 'acme');
    await call(setRate, { resource: 'burst', price_micro: 1_500_000 });
    const asked = { tenant: 'acme', percentage: 150, reason: 'release', duration_seconds: 7200 };
    await call(applySettings, {
      burst_capacity: { approval: { auto_approve_threshold: 150 } },
    });
    await call(requestBurstSession, { ...asked, resources: ['cpu_m'] });
    await admit(call, 'acme', { cpu_m: 4000 });
    const over = await admit(call, 'acme', { cpu_m: 1000 });
    expect(over.state).toBe('admitted');
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(4 * 50_000 + 75_000);
  });

  it('may begin in the past at whole hours, and change what that time costs', async () => {
    await makeTenant(call, 'acme');
    const job = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
    hodei.clock.advance(3 * HOUR);
    await call(releaseJob, { job });
    await call(pruneUsage, { before: '2000-01-01T00:00:00Z' });
    await call(setRate, { resource: 'cpu_m', price_micro: 100_000, from: at(1) });
    expect(await total()).toBe(50_000 + 2 * 100_000);
    const half = { resource: 'cpu_m', price_micro: 1, from: at(1.5) };
    const refused = await refusal(call(setRate, half));
    expect(refused.message).toContain('begins at a whole hour');
    expect(refused.hint).toBe(`Say ${at(1)}.`);
  });

  it('cannot begin in a time of which the jobs are removed', async () => {
    await makeTenant(call, 'acme');
    const job = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
    hodei.clock.advance(HOUR);
    await call(releaseJob, { job });
    hodei.clock.advance(9 * HOUR);
    await call(pruneUsage, { before: at(5) });
    const early = { resource: 'cpu_m', price_micro: 1, from: at(4) };
    expect((await refusal(call(setRate, early))).hint).toContain(at(5));
    await call(setRate, { ...early, from: at(5) });
  });

  it('cost as the config file said at the time, whatever it says later', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(HOUR);
    await call(applySettings, { cost_tracking: { hourly_rate_cpu: 0.000001 } });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(50_000 + 1);
  });

  it.each([
    [{ resource: 'cpu', price_micro: 1 }, 'There is no resource cpu that could be priced.'],
    [{ resource: 'cpu_m', price_micro: -1 }, 'price_micro'],
    [{ resource: 'cpu_m', price_micro: 0.5 }, 'price_micro'],
    [{ resource: 'cpu_m', price_micro: 1e13 }, 'price_micro'],
    [{ resource: 'cpu_m', price_micro: 1, pool: 'nowhere' }, 'Pool not found: nowhere'],
    [{ resource: 'cpu_m', price_micro: 1, from: 'tomorrow' }, 'from'],
  ])('cannot be %o', async (input, message) => {
    expect((await refusal(call(setRate, input as never))).message).toContain(message);
  });

  it('cannot be unset where there are none', async () => {
    expect(await refusal(call(unsetRate, { resource: 'cpu_m' }))).toMatchObject({
      code: 'not_found',
    });
  });
});
