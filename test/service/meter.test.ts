import { describe, expect, it } from 'vitest';
import type { MetricFamily } from '../../src/domain/metrics.ts';
import { OTHERS } from '../../src/domain/metrics.ts';
import type { Runner } from '../../src/service/call.ts';
import { batchJobs } from '../../src/service/job-batch.ts';
import { admitJob, checkJob } from '../../src/service/jobs.ts';
import { createMeter, type Meter } from '../../src/service/meter.ts';
import type { Operation } from '../../src/service/operation.ts';
import { system } from '../../src/service/system.ts';

const admitted = { state: 'admitted', pool: 'gpu', tenant: 'acme' };
const rejected = { state: 'rejected', code: 'over_quota', pool: 'gpu', tenant: 'acme' };

function meterOf(mostTenants = 10) {
  let seconds = 0;
  const meter = createMeter({ mostTenants, stopwatch: () => (seconds += 0.003), now: () => 5_000 });
  const answer = async (operation: unknown, output: unknown, dryRun = false) => {
    const run: Runner = () => Promise.resolve(output);
    await meter.metered(run)(operation as Operation, {}, { ...system(''), dryRun });
  };
  return { meter, answer };
}

function samplesOf(meter: Meter, name: string): MetricFamily['samples'] {
  return meter.collect().find((each) => each.name === name)?.samples ?? [];
}

const decisionsOf = (meter: Meter) =>
  samplesOf(meter, 'hodei_decisions_total').map(({ labels, value }) => [
    labels['outcome'],
    labels['reason'],
    labels['tenant'],
    value,
  ]);

describe('what is decided', () => {
  it('counts by outcome and reason, also of several at once', async () => {
    const { meter, answer } = meterOf();
    await answer(admitJob, admitted);
    await answer(batchJobs, { items: [admitted, rejected, { error: 'no', code: 'invalid' }] });
    expect(decisionsOf(meter)).toEqual([
      ['admitted', '', 'acme', 2],
      ['rejected', 'over_quota', 'acme', 1],
    ]);
  });

  it('does not count where nothing was decided', async () => {
    const { meter, answer } = meterOf();
    await answer(admitJob, { ...admitted, replayed: true });
    await answer(admitJob, admitted, true);
    await answer(checkJob, admitted);
    expect(decisionsOf(meter)).toEqual([]);
  });

  it('counts all tenants beyond the largest as one', async () => {
    const { meter, answer } = meterOf(1);
    for (const tenant of ['acme', 'b', 'c']) await answer(admitJob, { ...admitted, tenant });
    expect(decisionsOf(meter)).toEqual([
      ['admitted', '', 'acme', 1],
      ['admitted', '', OTHERS, 2],
    ]);
  });

  it('is timed by outcome', async () => {
    const { meter, answer } = meterOf();
    await answer(admitJob, admitted);
    const samples = samplesOf(meter, 'hodei_decision_duration_seconds');
    const bucket = (le: string) =>
      samples.find(({ labels }) => labels['le'] === le && labels['outcome'] === 'admitted')?.value;
    expect([bucket('0.0025'), bucket('0.005'), bucket('+Inf')]).toEqual([0, 1, 1]);
    expect(samples.at(-1)).toMatchObject({
      name: 'hodei_decision_duration_seconds_count',
      value: 1,
    });
  });
});

it('measures commits, groups and the last sweep', () => {
  const { meter } = meterOf();
  let isDone = false;
  meter.timeCommit(() => void (isDone = true));
  meter.committed(3);
  expect(samplesOf(meter, 'hodei_sweeper_last_run_timestamp_seconds')).toEqual([]);
  meter.swept();
  expect(isDone).toBe(true);
  expect(samplesOf(meter, 'hodei_commit_duration_seconds').at(-1)?.value).toBe(1);
  expect(samplesOf(meter, 'hodei_commit_group_size').at(-2)?.value).toBe(3);
  expect(samplesOf(meter, 'hodei_sweeper_last_run_timestamp_seconds')[0]?.value).toBe(5);
});

it('counts no commit that failed', () => {
  const { meter } = meterOf();
  const fail = () => {
    throw new Error('disk');
  };
  expect(() => meter.timeCommit(fail)).toThrow('disk');
  expect(samplesOf(meter, 'hodei_commit_duration_seconds').at(-1)?.value).toBe(0);
});
