import { describe, expect, it } from 'vitest';
import { followEvents } from '../../src/service/event-follow.ts';
import type { FollowInput } from '../../src/service/follow.ts';
import { releaseJob, renew } from '../../src/service/jobs.ts';
import { createPool, holdPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { deleteTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('the stream of events ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const follow = (input: FollowInput & { limit?: number } = {}) => call(followEvents, input);
  const names = async (input: FollowInput = {}) =>
    (await follow({ after: 0, ...input })).items.map(({ operation }) => operation);

  /** A tenant whose second job waits for the first, and whose third was rejected. */
  async function story() {
    const { id: tenant } = await makeTenant(call, 'acme');
    const first = await admit(call, 'acme', { cpu_m: 3000 });
    const second = await enqueue(call, 'acme', { cpu_m: 3000 });
    const third = await admit(call, 'acme', { cpu_m: 9000, job_id: 'big' });
    await call(releaseJob, { job: idOf(first) });
    return { tenant, first: idOf(first), second: idOf(second), third: third.decision_id ?? '' };
  }

  it('has every decision and change, the oldest first, in the order of the commits', async () => {
    await story();
    const { items, last } = await follow({ after: 0 });
    expect(items.map(({ operation }) => operation)).toEqual([
      ...['config.apply', 'tenant.create', 'job.admit', 'job.queue', 'job.reject'],
      ...['job.release', 'job.promote'],
    ]);
    const sequences = items.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, i) => i + 1));
    expect(last).toBe(sequences.at(-1));
    const all = await hodei.events();
    expect(sequences).toEqual(all.map(({ sequence }) => sequence));
  });

  it('begins behind the last one where nothing is said', async () => {
    await story();
    const { length } = await hodei.events();
    expect(await follow()).toEqual({ items: [], last: length, tenant: null });
  });

  it('goes on behind any event, in pages that fit together', async () => {
    await story();
    const seen: number[] = [];
    for (let after = 0, isMore = true; isMore;) {
      const { items, last } = await follow({ after, limit: 3 });
      seen.push(...items.map(({ sequence }) => sequence));
      isMore = last > after;
      after = last;
    }
    expect(seen).toEqual((await hodei.events()).map(({ sequence }) => sequence));
  });

  it('says up to where it has looked, also past what is not wanted', async () => {
    await story();
    const { length } = await hodei.events();
    expect(await follow({ after: 0, kind: 'usage' })).toMatchObject({ items: [], last: length });
    const { last } = await follow({ after: 0, kind: 'tenant', limit: 1 });
    expect((await follow({ after: last, kind: 'tenant' })).items).toEqual([]);
  });

  it('is filtered by kind: a noun, a name, or several of them', async () => {
    await story();
    expect(await names({ kind: 'job.queue' })).toEqual(['job.queue']);
    expect(await names({ kind: ['tenant', 'job.promote'] })).toEqual([
      'tenant.create',
      'job.promote',
    ]);
    expect(await names({ kind: 'job.nothing' })).toEqual([]);
    expect(await refusal(follow({ kind: 'jbo' }))).toMatchObject({
      ...{ code: 'invalid', hint: expect.stringContaining('Did you mean job?') as string },
    });
    expect((await refusal(follow({ kind: 'Job' }))).code).toBe('invalid');
  });

  it('is filtered by tenant: name, id, and a deleted one by id', async () => {
    const { id } = await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    await call(setQuota, { tenant: 'beta', gpu: 1 });
    expect(await names({ tenant: 'acme' })).toEqual(['tenant.create']);
    await call(deleteTenant, { tenant: 'acme' });
    expect(await names({ tenant: id })).toEqual(['tenant.create', 'tenant.delete']);
    expect(await follow({ tenant: id })).toMatchObject({ tenant: id });
    expect((await refusal(follow({ tenant: 'acme' }))).code).toBe('not_found');
  });

  it('is filtered by object: one job from its queueing to its end', async () => {
    const { second, third } = await story();
    expect(await names({ object: second })).toEqual(['job.queue', 'job.promote']);
    expect(await names({ object: third })).toEqual(['job.reject']);
  });

  it('is filtered by pool: what names it, the pool itself, and the jobs in it', async () => {
    await makeTenant(call, 'acme');
    await call(createPool, { id: 'night', resources: { cpu_m: 8000 }, max_size: 2 });
    await admit(call, 'acme', { cpu_m: 1000, pool: 'default' });
    const job = idOf(await admit(call, 'acme', { cpu_m: 1000, pool: 'night' }));
    await call(renew, { job });
    await call(setQuota, { tenant: 'acme', pool: 'night', cpu_m: 2000 });
    await admit(call, 'acme', { cpu_m: 3000, pool: 'night' });
    await call(releaseJob, { job });
    await call(holdPool, { pool: 'night' });
    const { items } = await follow({ after: 0, pool: 'night' });
    expect(items.map(({ operation, pool }) => [operation, pool])).toEqual([
      ['pool.create', 'night'],
      ['job.admit', 'night'],
      ['job.renew', 'night'],
      ['quota.set', 'night'],
      ['job.reject', 'night'],
      ['job.release', 'night'],
      ['pool.hold', 'night'],
    ]);
    expect((await refusal(follow({ pool: 'nigth' }))).message).toBe('Pool not found: nigth');
  });

  it('has a rejection once, however often the same is asked within a minute', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000 });
    const ask = () => admit(call, 'acme', { cpu_m: 2000, job_id: 'big' });
    const { decision_id: object } = await ask();
    for (let again = 0; again < 5; again++) await ask();
    const rejections = await follow({ after: 0, kind: 'job.reject' });
    expect(rejections.items).toHaveLength(1);
    expect(rejections.items[0]).toMatchObject({
      object,
      pool: 'default',
      after: { job_id: 'big', pool: 'default', retryable: true, resources: { cpu_m: 2000 } },
    });
    hodei.clock.advance(61_000);
    await ask();
    expect(await names({ kind: 'job.reject' })).toEqual(['job.reject', 'job.reject']);
  });

  it('says that it is gone what was pruned, and how to begin anew', async () => {
    await story();
    onFile(hodei.path, (file) => file.exec('delete from event where sequence <= 3'));
    const { code, message, hint } = await refusal(follow({ after: 1 }));
    expect({ code, message, hint }).toEqual({
      code: 'gone',
      message: 'The events from 2 to 3 are not kept any more.',
      hint: 'Begin with the oldest there is, after=3, or without after.',
    });
    expect((await follow({ after: 3 })).items[0]).toMatchObject({ sequence: 4 });
  });

  it('says so too of an event that is not there yet', async () => {
    const { length } = await hodei.events();
    const { code, message } = await refusal(follow({ after: 99 }));
    expect([code, message]).toEqual([
      'gone',
      `There is no event 99 here: the last one is ${length}.`,
    ]);
  });
});
