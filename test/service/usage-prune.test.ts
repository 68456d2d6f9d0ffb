import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportCost } from '../../src/service/costs.ts';
import { getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import { applySettings } from '../../src/service/settings.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { recordUsage, rollUp, sumUpUsage } from '../../src/service/usage-rollup.ts';
import { verifyUsage } from '../../src/service/usage.ts';
import { startUsageRollup } from '../../src/main/usage-rollup.ts';
import { admit, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, TRACE_ID, type TestService } from '../helpers/service.ts';
import { START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (hours: number) => new Date(START + hours * HOUR).toISOString();

let hodei: TestService;

beforeEach(async () => {
  hodei = await testService();
  await makeTenant(hodei.call, 'acme');
});
afterEach(() => hodei.close());

async function endedJob(hours = 1): Promise<string> {
  const job = idOf(await admit(hodei.call, 'acme', { cpu_m: 1000 }));
  hodei.clock.advance(hours * HOUR);
  await hodei.call(releaseJob, { job });
  return job;
}

describe('usage prune', () => {
  it('removes what ended before, and nothing that runs, waits or ended later', async () => {
    const { call, clock } = hodei;
    const old = await endedJob();
    const running = idOf(await admit(call, 'acme', { cpu_m: 1000 }));
    clock.advance(4 * HOUR);
    const young = await endedJob();
    const { removed, next, last } = await call(pruneUsage, { before: at(2) });
    expect([removed, next, last]).toEqual([1, 3, 3]);
    expect(await call(pruneUsage, { before: at(2), after: 3 })).toMatchObject({ next: null });
    expect((await refusal(call(getJob, { job: old }))).code).toBe('not_found');
    const { items } = await call(listJobs, { state: 'all' });
    expect(items.map(({ id }) => id).sort()).toEqual([running, young].sort());
    expect((await call(verifyUsage, {})).differences).toEqual([]);
  });

  it('goes by what the settings say, to whole hours', async () => {
    const { call, clock } = hodei;
    await endedJob();
    clock.advance(90 * DAY - HOUR);
    expect(await call(pruneUsage, {})).toMatchObject({ before: at(0), removed: 0 });
    clock.advance(2 * HOUR);
    expect(await call(pruneUsage, {})).toMatchObject({ before: at(2), removed: 1 });
    await call(applySettings, { cost_tracking: { retention_days: null } });
    expect(await call(pruneUsage, {})).toMatchObject({ before: null, next: null });
  });

  it('is in the audit, and removes nothing that is still to end', async () => {
    const { call, events } = hodei;
    await endedJob();
    await call(pruneUsage, { before: at(1) });
    expect((await events()).at(-1)?.operation).not.toBe('usage.prune');
    hodei.clock.advance(HOUR);
    await call(pruneUsage, { before: at(2) });
    const { operation, after } = (await events()).at(-1) ?? {};
    expect([operation, after]).toEqual([
      'usage.prune',
      JSON.stringify({ jobs: 1, ended_before: at(2) }),
    ]);
    expect((await refusal(call(pruneUsage, { before: at(99) }))).code).toBe('invalid');
  });

  it('keeps the same total when it is done again from the start', async () => {
    const { call } = hodei;
    for (let i = 0; i < 3; i++) await endedJob();
    const before = (await call(reportCost, {})).total_micro;
    hodei.clock.advance(9 * HOUR);
    for (let i = 0; i < 3; i++) await call(pruneUsage, { before: at(9) });
    expect((await call(reportCost, {})).total_micro).toBe(before);
  });
});

describe('summing up', () => {
  it('counts a step once, though two have begun with it', async () => {
    const { call } = hodei;
    await endedJob(2);
    const before = (await call(reportCost, {})).total_micro;
    const steps = [await call(sumUpUsage, {}), await call(sumUpUsage, {})];
    for (const step of steps) await call(recordUsage, { step });
    expect((await call(reportCost, {})).total_micro).toBe(before);
  });

  it('ends a step sooner where jobs have run for months', async () => {
    const { call, clock, store } = hodei;
    const admitted = Array.from({ length: 8 }, () => admit(call, 'acme', { cpu_m: 1 }));
    const jobs = (await Promise.all(admitted)).map(idOf);
    clock.advance(300 * DAY);
    for (const job of jobs) await call(releaseJob, { job });
    const month = { from: at(0), to: at(24 * 300) };
    const before = await call(reportCost, month);
    const head = (await hodei.events()).length;
    const step = await call(sumUpUsage, {});
    expect(step.until).toBeLessThan(head);
    expect(step.left).toBe(head - step.until);
    let left = step.left;
    while (left > 0) left = await store.transaction(({ tables }) => rollUp(tables));
    expect((await call(reportCost, month)).total_micro).toBe(before.total_micro);
    expect((await call(verifyUsage, {})).differences).toEqual([]);
  });

  it('keeps nothing of a step that was not committed', async () => {
    const { call, store } = hodei;
    await endedJob(2);
    const before = (await call(reportCost, {})).total_micro;
    const lost = store.transaction(async ({ tables }) => {
      await rollUp(tables);
      throw new Error('killed');
    });
    await expect(lost).rejects.toThrow('killed');
    expect((await store.read((tables) => tables.rollup.get())).sequence).toBe(0);
    expect((await call(reportCost, {})).total_micro).toBe(before);
  });

  it('is what a server does from time to time, until it stops', async () => {
    const { service, store } = hodei;
    await endedJob(2);
    const rollup = startUsageRollup(service, () => TRACE_ID, 5);
    const head = (await hodei.events()).length;
    const sequence = async () => (await store.read((tables) => tables.rollup.get())).sequence;
    await expect.poll(sequence).toBe(head);
    await rollup.stop();
    await endedJob();
    expect(await sequence()).toBe(head);
  });
});
