import { describe, expect, it } from 'vitest';
import { batchJobs } from '../../src/service/job-batch.ts';
import {
  cancelJob,
  checkJob,
  getJob,
  listJobs,
  releaseJob,
  resizeJob,
} from '../../src/service/jobs.ts';
import { createPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf, type JobInput } from '../helpers/job.ts';
import { useLedger } from '../helpers/balances.ts';
import { refusal } from '../helpers/refusal.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const names: [string, (name: string) => [Partial<JobInput>, { idempotencyKey?: string }]][] = [
  ['job_id', (name) => [{ job_id: name }, {}]],
  ['Idempotency-Key', (name) => [{}, { idempotencyKey: name }]],
];

describe.each(doors)('a repeated request ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  describe.each(names)('under the same %s', (_, named) => {
    const ask = (name: string, asked: Partial<JobInput> = { cpu_m: 1000 }, by = call) => {
      const [field, options] = named(name);
      return admit(by, 'acme', { ...asked, ...field }, options);
    };

    it('is answered with the job as it now stands, and has no second effect', async () => {
      await makeTenant(call, 'acme');
      const job = await ask('one');
      const events = await hodei.events();
      hodei.clock.advance(HOUR);
      expect(await ask('one')).toEqual({ ...job, replayed: true });
      expect(await hodei.events()).toEqual(events);
      await call(resizeJob, { job: idOf(job), cpu_m: 500 });
      expect(await ask('one')).toMatchObject({
        ...{ id: job.id, replayed: true, version: 2 },
        resources: { cpu_m: 500, jobs: 1 },
      });
      expect((await call(listJobs, {})).items).toHaveLength(1);
    });

    it('is the same whatever order and form it comes in', async () => {
      await makeTenant(call, 'acme');
      const asked = { cpu_m: 5, memory_mb: 6, labels: { a: '1', b: '2' } };
      const { id } = await ask('one', asked);
      const others: Partial<JobInput>[] = [
        { memory_mb: 6, labels: { b: '2', a: '1' }, cpu_m: 5 },
        { ...asked, jobs: 1 },
        { ...asked, gpu: 0, priority: 0 },
        { ...asked, pool: 'default' },
        // What becomes of it without room does not matter any more: it has its answer.
        { ...asked, on_full: 'queue', queue_ttl_seconds: 60 },
      ];
      for (const other of others) {
        expect(await ask('one', other)).toMatchObject({ id, replayed: true });
      }
    });

    it.each([
      [{ cpu_m: 1001 }],
      [{ cpu_m: 1000, memory_mb: 1 }],
      [{ cpu_m: 1000, jobs: 2 }],
      [{ cpu_m: 1000, priority: 1 }],
      [{ cpu_m: 1000, labels: { a: 'b' } }],
      [{ cpu_m: 1000, ttl_seconds: 60 }],
      [{ cpu_m: 1000, pool: 'spot' }],
    ])('for something else (%j) is refused, and nothing is done', async (other) => {
      await makeTenant(call, 'acme');
      await call(createPool, { id: 'spot' });
      const { id } = await ask('one');
      const events = await hodei.events();
      const { code, message, hint } = await refusal(ask('one', other));
      expect(code).toBe('conflict');
      expect(message).toContain(`stands for another request: ${id}.`);
      expect(hint).toContain('give it another name');
      expect(await hodei.events()).toEqual(events);
    });

    it('is still the same after the catalogue, the default lease or the name has changed', async () => {
      await call(applySettings, { resources: [{ name: 'license' }, { name: 'tape' }] });
      await makeTenant(call, 'acme', { quota: { license: 9, tape: 9 } });
      const { id } = await ask('one', { license: 5, tape: 6 });
      const reversed = [{ name: 'tape' }, { name: 'license' }, { name: 'disk' }];
      await call(applySettings, { resources: reversed, jobs: { default_ttl_seconds: 60 } });
      await call(updateTenant, { tenant: 'acme', name: 'ajax' });
      const [field, options] = named('one');
      const again = await admit(call, 'ajax', { license: 5, tape: 6, ...field }, options);
      expect(again).toMatchObject({ id, replayed: true, expires_at: null });
    });

    it('is answered also where there is no room left, or nothing may start any more', async () => {
      await makeTenant(call, 'acme');
      const { id } = await ask('one', { cpu_m: 4000 });
      expect(await ask('one', { cpu_m: 4000 })).toMatchObject({ id, state: 'admitted' });
      await call(suspendTenant, { tenant: 'acme' });
      expect(await ask('one', { cpu_m: 4000 })).toMatchObject({ id, state: 'admitted' });
    });

    it('finds what waits waiting, and what was promoted running', async () => {
      await makeTenant(call, 'acme');
      const first = await admit(call, 'acme', { cpu_m: 4000 });
      const asked = { cpu_m: 1, on_full: 'queue' as const };
      const waiting = await ask('one', asked);
      expect(await ask('one', asked)).toEqual({ ...waiting, replayed: true });
      await call(releaseJob, { job: idOf(first) });
      expect(await ask('one', asked)).toMatchObject({
        ...{ id: waiting.id, state: 'admitted', mark: 'promoted', replayed: true },
      });
    });

    it('of what has ended is refused for a day, and starts anew after', async () => {
      await makeTenant(call, 'acme');
      const job = await ask('one');
      await call(releaseJob, { job: idOf(job) });
      hodei.clock.advance(DAY - 1);
      expect(await refusal(ask('one'))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('has ended: released at 2026-11-23T09:00:00.000Z'),
        hint: 'What runs again needs a name of its own.',
      });
      hodei.clock.advance(1);
      const fresh = await ask('one');
      expect(fresh).toMatchObject({ state: 'admitted' });
      expect(fresh.id).not.toBe(job.id);
      expect(await ask('one')).toMatchObject({ id: fresh.id, replayed: true });
      await call(releaseJob, { job: idOf(fresh) });
      expect((await refusal(ask('one'))).code).toBe('conflict');
    });

    it('of a job whose lease has run out is refused from that moment, settled or not', async () => {
      await makeTenant(call, 'acme');
      const asked = { cpu_m: 1000, ttl_seconds: 60 };
      await ask('one', asked);
      hodei.clock.advance(60_000);
      const ended = expect.stringContaining('has ended: expired at 2026-11-23T09:01:00.000Z');
      expect(await refusal(ask('one', asked))).toMatchObject({ message: ended });
      hodei.clock.advance(HOUR);
      expect(await refusal(ask('one', asked))).toMatchObject({ message: ended });
      hodei.clock.advance(DAY - HOUR);
      expect(await ask('one', asked)).toMatchObject({ state: 'admitted' });
    });

    it('is remembered as long as the job lives, however long that is', async () => {
      await makeTenant(call, 'acme');
      const { id } = await ask('one');
      hodei.clock.advance(30 * DAY);
      await admit(call, 'acme', { cpu_m: 1, ttl_seconds: 1 });
      hodei.clock.advance(30 * DAY);
      await admit(call, 'acme', { cpu_m: 1 });
      expect(await ask('one')).toMatchObject({ id, replayed: true });
    });

    it('after a rejection is decided afresh, also for something else', async () => {
      await makeTenant(call, 'acme');
      const first = await admit(call, 'acme', { cpu_m: 4000 });
      expect(await ask('one')).toMatchObject({ state: 'rejected' });
      expect(await ask('one', { cpu_m: 5 })).toMatchObject({ state: 'rejected' });
      await call(releaseJob, { job: idOf(first) });
      const job = await ask('one', { cpu_m: 7 });
      expect(job).toMatchObject({ state: 'admitted' });
      expect(job.replayed).toBeUndefined();
    });

    it('that is only checked says what it stands for', async () => {
      await makeTenant(call, 'acme');
      const job = await ask('one');
      const [field] = named('one');
      if (field.job_id === undefined) return;
      const checked = await call(checkJob, { tenant: 'acme', cpu_m: 1000, ...field });
      expect(checked).toEqual({ ...job, replayed: true });
      const other = call(checkJob, { tenant: 'acme', cpu_m: 1, ...field });
      expect((await refusal(other)).code).toBe('conflict');
    });

    it('from 16 callers at once has one effect', async () => {
      await makeTenant(call, 'acme');
      const answers = await Promise.all(Array.from({ length: 16 }, () => ask('one')));
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(answers.filter(({ replayed }) => replayed !== true)).toHaveLength(1);
      expect((await call(listJobs, { state: 'all' })).items).toHaveLength(1);
    });

    it('from 16 callers with two bodies is one of them, and a conflict for the others', async () => {
      await makeTenant(call, 'acme');
      const asks = Array.from({ length: 16 }, (_, i) => ask('one', { cpu_m: 1 + (i % 2) }));
      const answers = await Promise.allSettled(asks);
      expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(8);
      expect((await call(listJobs, { state: 'all' })).items).toHaveLength(1);
    });
  });

  it('is told apart by tenant where it is a job_id, and is the same for every principal', async () => {
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    const asked = { cpu_m: 1, job_id: 'one' };
    const job = await admit(call, 'acme', asked);
    const other = await admit(call, 'beta', asked);
    expect(other.replayed).toBeUndefined();
    const ben = hodei.local({ principal: 'ben' });
    expect(await admit(ben, 'acme', asked)).toMatchObject({ id: job.id, replayed: true });
  });

  it('is told apart by principal where it is a key, and stands for one tenant only', async () => {
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    const key = { idempotencyKey: 'k' };
    const job = await admit(call, 'acme', { cpu_m: 1 }, key);
    const ben = hodei.local({ principal: 'ben' });
    const ofBen = await admit(ben, 'acme', { cpu_m: 1 }, key);
    expect(ofBen.id).not.toBe(job.id);
    expect((await refusal(admit(call, 'beta', { cpu_m: 1 }, key))).code).toBe('conflict');
  });

  it('under a key and a job_id has to agree in both', async () => {
    await makeTenant(call, 'acme');
    const key = { idempotencyKey: 'k' };
    const asked = { cpu_m: 1, job_id: 'a' };
    const job = await admit(call, 'acme', asked, key);
    expect(await admit(call, 'acme', asked, key)).toMatchObject({ id: job.id, replayed: true });
    const other = admit(call, 'acme', { cpu_m: 1, job_id: 'b' }, key);
    expect((await refusal(other)).message).toContain('The key k stands for another request');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'b' });
    const both = admit(call, 'acme', { cpu_m: 1, job_id: 'b' }, key);
    expect((await refusal(both)).message).toContain('The key k stands for another request');
  });

  it('of what was cancelled while it waited is refused too', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    const asked = { cpu_m: 1, job_id: 'w' };
    const job = await enqueue(call, 'acme', asked);
    await call(cancelJob, { job: idOf(job) });
    expect((await refusal(enqueue(call, 'acme', asked))).message).toContain('has ended: cancelled');
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ state: 'cancelled' });
  });

  it('in a dry run binds nothing', async () => {
    await makeTenant(call, 'acme');
    const key = { idempotencyKey: 'k' };
    const asked = { cpu_m: 1, job_id: 'a' };
    await admit(call, 'acme', asked, { ...key, dryRun: true });
    expect((await admit(call, 'acme', { ...asked, cpu_m: 2 }, key)).replayed).toBeUndefined();
  });

  it('may ask for a raised limit and be admitted, under the name that was refused before', async () => {
    await makeTenant(call, 'acme');
    const asked = { cpu_m: 5000, job_id: 'big' };
    expect(await admit(call, 'acme', asked)).toMatchObject({ code: 'impossible' });
    await call(setQuota, { tenant: 'acme', cpu_m: 5000 });
    expect(await admit(call, 'acme', asked)).toMatchObject({ state: 'admitted' });
  });
});

describe.each(doors)('a key ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('is forgotten once its job is long over, whether or not others live on', async () => {
    await makeTenant(call, 'acme');
    const ask = (key: string) => admit(call, 'acme', { cpu_m: 1 }, { idempotencyKey: key });
    for (const key of ['lives-1', 'lives-2', 'lives-3']) await ask(key);
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await call(releaseJob, { job: idOf(await ask(key)) });
    }
    const kept = () =>
      onFile(hodei.path, (file) =>
        file.prepare('select request_key from request_key order by 1').pluck().all(),
      );
    hodei.clock.advance(DAY);
    await ask('f');
    expect(kept()).toHaveLength(9);
    hodei.clock.advance(1);
    for (const key of ['g', 'h', 'i', 'j']) await ask(key);
    expect(kept()).toEqual(['f', 'g', 'h', 'i', 'j', 'lives-1', 'lives-2', 'lives-3']);
    expect(await ask('lives-1')).toMatchObject({ replayed: true });
  });

  it('is remembered for a day after its job has ended, however old it is by then', async () => {
    await makeTenant(call, 'acme');
    const ask = (key: string) => admit(call, 'acme', { cpu_m: 1 }, { idempotencyKey: key });
    const job = await ask('old');
    hodei.clock.advance(2 * DAY);
    await call(releaseJob, { job: idOf(job) });
    for (const key of ['a', 'b', 'c']) await ask(key);
    hodei.clock.advance(DAY - 1);
    expect((await refusal(ask('old'))).message).toContain('The key old has ended: released');
    hodei.clock.advance(1);
    expect(await ask('old')).toMatchObject({ state: 'admitted' });
  });

  it('is not heeded where several jobs are asked for at once', async () => {
    await makeTenant(call, 'acme');
    const jobs = [
      { tenant: 'acme', cpu_m: 1 },
      { tenant: 'acme', cpu_m: 2 },
    ];
    const { items } = await call(batchJobs, { jobs }, { idempotencyKey: 'k' });
    expect(items).toMatchObject([{ state: 'admitted' }, { state: 'admitted' }]);
  });
});
