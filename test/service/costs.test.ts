import { describe, expect, it } from 'vitest';
import { reportCost } from '../../src/service/costs.ts';
import { releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { setRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { admit, idOf } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService } from '../helpers/service.ts';
import { START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const at = (hours: number) => new Date(START + hours * HOUR).toISOString();

describe.each(doors)('the cost of use ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const total = async (more: object = {}) => (await call(reportCost, more)).total_micro;

  it('is amount × time × price, of a job that runs until now', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1500, memory_mb: 512 });
    hodei.clock.advance(2 * HOUR);
    const { currency, rows, total_micro: all } = await call(reportCost, {});
    expect([currency, all]).toEqual(['USD', 2 * (75_000 + 5_000)]);
    expect(rows).toMatchObject([
      {
        name: 'acme',
        kind: 'named',
        resources: {
          cpu_m: { unit_hours: 3, cost_micro: 150_000 },
          memory_mb: { unit_hours: 1, cost_micro: 10_000 },
        },
      },
    ]);
  });

  it('does not go on when a lease has run out, whether or not that was noticed', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000, ttl_seconds: 3600 });
    hodei.clock.advance(9 * HOUR);
    expect(await total()).toBe(50_000);
    await makeTenant(call, 'bolt');
    expect(await total()).toBe(50_000);
  });

  it('is that of what a job held from when to when, however often it was resized in a moment', async () => {
    await makeTenant(call, 'acme');
    const job = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
    hodei.clock.advance(HOUR);
    await call(resizeJob, { job, cpu_m: 2000, memory_mb: 1024 });
    await call(resizeJob, { job, cpu_m: 3000, memory_mb: 0 });
    hodei.clock.advance(HOUR);
    await call(releaseJob, { job });
    expect(await total()).toBe(50_000 + 150_000);
  });

  it('changes for a running job at the moment its price does', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(HOUR / 2);
    await call(setRate, { resource: 'cpu_m', price_micro: 100_000 });
    await call(setRate, { resource: 'cpu_m', price_micro: 0, from: at(1.25) });
    hodei.clock.advance(HOUR);
    expect(await total()).toBe(25_000 + 75_000);
  });

  it('is split by days, weeks and months of the calendar, and nothing is lost between them', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(24 * HOUR);
    const range = { from: at(0), to: at(48) };
    const { periods, rows } = await call(reportCost, { ...range, by: 'day' });
    expect(periods.map(({ begins_at: begins, cost_micro: cost }) => [begins, cost])).toEqual([
      ['2026-11-23T09:00:00.000Z', 15 * 50_000],
      ['2026-11-24T00:00:00.000Z', 9 * 50_000],
      ['2026-11-25T00:00:00.000Z', 0],
    ]);
    expect(rows[0]?.periods).toEqual([750_000, 450_000, 0]);
    const weeks = await call(reportCost, { month: '2026-11', by: 'week' });
    expect(weeks.periods.map(({ begins_at: begins }) => begins.slice(0, 10))).toEqual(
      ['01', '02', '09', '16', '23', '30'].map((day) => `2026-11-${day}`),
    );
  });

  it('goes to who was above a tenant at that time', async () => {
    for (const name of ['old', 'new']) await makeTenant(call, name);
    await makeTenant(call, 'web', { parent: 'old' });
    await admit(call, 'web', { cpu_m: 1000 });
    hodei.clock.advance(HOUR);
    await call(updateTenant, { tenant: 'web', parent: 'new' });
    hodei.clock.advance(2 * HOUR);
    const { rows } = await call(reportCost, { tree: true });
    expect(rows.map(({ name, depth, cost_micro: cost }) => [name, depth, cost])).toEqual([
      ['new', 0, 100_000],
      ['web', 1, 150_000],
      ['old', 0, 50_000],
    ]);
    expect(await total({ tenant: 'old' })).toBe(50_000);
    expect(await total({ tenant: 'new' })).toBe(100_000);
  });

  it('is told by pool, label and job as well', async () => {
    await makePool(call, 'gpu', { max_size: 1 });
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000, labels: { team: 'red' }, job_id: 'one' });
    await admit(call, 'acme', { cpu_m: 2000, pool: 'gpu', job_id: 'two' });
    hodei.clock.advance(HOUR);
    const by = async (group: string) => {
      const { rows } = await call(reportCost, { group });
      return rows.map(({ name, kind, cost_micro: cost }) => [name, kind, cost]);
    };
    expect(await by('pool')).toEqual([
      ['gpu', 'named', 100_000],
      ['default', 'named', 50_000],
    ]);
    expect(await by('label:team')).toEqual([
      ['', 'unlabelled', 100_000],
      ['red', 'named', 50_000],
    ]);
    expect(await by('job')).toEqual([
      ['two', 'named', 100_000],
      ['one', 'named', 50_000],
    ]);
    expect(await total({ pool: 'gpu' })).toBe(100_000);
  });

  it('stays when jobs are removed; what nobody can tell apart any more is one row', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: 9000, max_concurrent_jobs: 9 } });
    const first = idOf(await admit(call, 'acme', { cpu_m: 1000, labels: { team: 'red' } }));
    hodei.clock.advance(HOUR);
    await call(releaseJob, { job: first });
    await admit(call, 'acme', { cpu_m: 1000, labels: { team: 'red' } });
    hodei.clock.advance(5 * HOUR);
    const before = await call(reportCost, { by: 'day' });
    expect(await call(pruneUsage, { before: at(2) })).toMatchObject({ removed: 1, behind: 0 });
    expect(await call(reportCost, { by: 'day' })).toEqual(before);
    const { rows } = await call(reportCost, { group: 'label:team' });
    expect(rows.map(({ name, kind, cost_micro: cost }) => [name, kind, cost])).toEqual([
      ['red', 'named', 250_000],
      ['', 'pruned', 50_000],
    ]);
  });

  it('is kept of a tenant that is no more', async () => {
    const { id } = await makeTenant(call, 'acme');
    const job = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
    hodei.clock.advance(HOUR);
    await call(releaseJob, { job });
    await call(deleteTenant, { tenant: 'acme' });
    await makeTenant(call, 'acme');
    const { rows } = await call(reportCost, {});
    expect(rows.map(({ name, kind, cost_micro: cost }) => [name, kind, cost])).toEqual([
      ['acme', 'deleted', 50_000],
    ]);
    expect(await total({ tenant: id })).toBe(50_000);
    expect(await total({ tenant: 'acme' })).toBe(0);
  });

  it('is only counted up to a number of rows, and never left out of the sum', async () => {
    for (const [i, name] of ['a1', 'b2', 'c3'].entries()) {
      await makeTenant(call, name);
      await admit(call, name, { cpu_m: 1000 * (i + 1) });
    }
    hodei.clock.advance(HOUR);
    const { rows, rows_in_all: all, total_micro: sum } = await call(reportCost, { limit: 1 });
    expect([rows.map(({ name }) => name), all, sum]).toEqual([['c3'], 3, 300_000]);
  });

  it('of the same height is listed by name, however few are asked for', async () => {
    await makeTenant(call, 'acme');
    for (const job_id of ['c', 'a', 'd', 'b']) {
      await admit(call, 'acme', { cpu_m: job_id === 'd' ? 1000 : 500, job_id });
    }
    hodei.clock.advance(HOUR);
    const listed = async (limit: number) => {
      const { rows, rows_in_all: all } = await call(reportCost, { group: 'job', limit });
      return [rows.map(({ name }) => name).join(' '), all];
    };
    const expected = ['d', 'd a', 'd a b', 'd a b c', 'd a b c'].map((names) => [names, 4]);
    expect(await Promise.all([1, 2, 3, 4, 9].map(listed))).toEqual(expected);
  });

  it.each([
    [{ month: '2026-13' }, '"2026-13" is no month.'],
    [{ month: '0000-01' }, '"0000-01" is no month.'],
    [{ month: '9999-12' }, '"9999-12" is no month.'],
    [{ last: '30' }, '30 of what?'],
    [{ month: '2026-11', last: '1d' }, 'one of them'],
    [{ to: at(0) }, 'From when?'],
    [{ from: at(2), to: at(1) }, 'ends before it begins'],
    [{ from: at(0.5) }, 'whole hours'],
    [{ from: '1800-01-01T00:00:00Z' }, 'a hundred years'],
    [{ last: '9000d', by: 'day' }, 'more than 1000 days'],
    [{ group: 'label:' }, 'group: must be tenant, pool, job, or label:'],
    [{ tenant: 'nobody' }, 'Tenant not found: nobody'],
    [{ pool: 'nowhere' }, 'Pool not found: nowhere'],
    [{ group: 'pool', tree: true }, 'Only tenants are a tree.'],
  ])('cannot be asked of %o', async (input, message) => {
    const said = (await refusal(call(reportCost, input as never))).message;
    expect(said).toContain(message);
  });

  it('is not told where nothing is priced', async () => {
    const off = { cost_tracking: { enabled: false } };
    await call(applySettings, off as never);
    expect(await refusal(call(reportCost, {}))).toMatchObject({ code: 'conflict' });
  });
});

describe('who is bound to a tenant', () => {
  it('sees what it costs and what is below it, and of what moved away no name', async () => {
    const hodei = await testService();
    const { call } = hodei;
    const { id } = await makeTenant(call, 'acme');
    await makeTenant(call, 'web', { parent: 'acme' });
    await makeTenant(call, 'gone', { parent: 'acme' });
    await makeTenant(call, 'other');
    for (const name of ['web', 'gone', 'other']) await admit(call, name, { cpu_m: 1000 });
    hodei.clock.advance(HOUR);
    await call(updateTenant, { tenant: 'gone', parent: 'other' });
    hodei.clock.advance(HOUR);
    const { rows, total_micro: total } = await hodei.as({ boundTo: id })(reportCost, {});
    expect(rows.map(({ name, kind, cost_micro: cost }) => [name, kind, cost])).toEqual([
      ['web', 'named', 100_000],
      ['', 'moved_away', 50_000],
    ]);
    expect(total).toBe(150_000);
    await hodei.close();
  });
});
