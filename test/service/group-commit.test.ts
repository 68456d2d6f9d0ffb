import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unavailable, type HodeiError } from '../../src/domain/errors.ts';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { getTenant, updateTenant } from '../../src/service/tenants.ts';
import { TransactionLost } from '../../src/store/store.ts';
import { counting, watching } from '../helpers/counting.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, testService, TRACE_ID, type TestServiceOptions } from '../helpers/service.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
const names = Array.from({ length: 100 }, (_, i) => `t-${String(i).padStart(3, '0')}`);

async function service(around?: TestServiceOptions['around']) {
  const hodei = await testService(around && { around });
  onTestFinished(() => hodei.close());
  return hodei;
}

describe('calls that come together', () => {
  it('share one transaction', async () => {
    const attempts: number[] = [];
    const { call } = await service(counting(attempts));
    await Promise.all(names.map((name) => makeTenant(call, name)));
    expect(attempts).toEqual([100]);
  });

  it('share the next one where they come while one is being written', async () => {
    const attempts: number[] = [];
    const { call } = await service(counting(attempts));
    const late: Promise<unknown>[] = [];
    const first = makeTenant(call, 'first').then(() => {
      late.push(...names.map((name) => makeTenant(call, name)));
    });
    await first;
    await Promise.all(late);
    expect(attempts).toEqual([1, 100]);
  });

  it('share as many as it takes where they are more than one holds', async () => {
    const attempts: number[] = [];
    const { call, events } = await service(counting(attempts));
    const many = Array.from({ length: 600 }, (_, i) => makeTenant(call, `t-${i}`));
    await Promise.all(many);
    expect(attempts).toEqual([256, 256, 88]);
    expect(await events()).toHaveLength(601);
  });

  it('share as few as whoever writes for others wants in one', async () => {
    const attempts: number[] = [];
    const { store, environment } = await service();
    const groupOf = (waiting: number) => Math.max(16, Math.ceil(waiting / 2));
    const call = callAs(callLocal(counting(attempts)(store), { ...environment, groupOf }), ana);
    await Promise.all(names.map((name) => makeTenant(call, name)));
    expect(attempts).toEqual([50, 25, 16, 9]);
  });

  it('one after the other have one each', async () => {
    const attempts: number[] = [];
    const { call } = await service(counting(attempts));
    for (const name of names.slice(0, 5)) await makeTenant(call, name);
    expect(attempts).toEqual([1, 1, 1, 1, 1]);
  });

  it('that only read have none', async () => {
    const attempts: number[] = [];
    const { call } = await service(counting(attempts));
    await makeTenant(call, 'acme');
    await Promise.all(names.map(() => call(getTenant, { tenant: 'acme' })));
    expect(attempts).toEqual([1]);
  });

  it('that are invalid do not even begin one', async () => {
    const attempts: number[] = [];
    const { call } = await service(counting(attempts));
    await refusal(makeTenant(call, 'Acme'));
    expect(attempts).toEqual([]);
  });

  it('fail alone where some among them are bad', async () => {
    const attempts: number[] = [];
    const { call, events } = await service(counting(attempts));
    const outcomes = await Promise.allSettled([
      ...names.slice(0, 50).map((name) => makeTenant(call, name)),
      makeTenant(call, 'orphan', { parent: 'nobody' }),
      makeTenant(call, 't-003', { weight: 9 }),
      ...names.slice(50).map((name) => makeTenant(call, name)),
    ]);
    expect(attempts).toEqual([102]);
    const failed = outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [i] : []));
    expect(failed).toEqual([50, 51]);
    const all = await events();
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, i) => i + 1));
    expect(all).toHaveLength(101);
    expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, all)).toBeUndefined();
    expect(await call(getTenant, { tenant: 't-003' })).toMatchObject({ weight: 1 });
  });

  it('leave nothing of a call that failed after it had written', async () => {
    const counts: number[] = [];
    const { call, path, ids } = await service(counting(counts));
    // The second id clashes when the tenant's row is inserted, and so it does when all are done once
    // more, because the third has its tenant, labels and scope when its limit is refused.
    ids.say(...['b', 'b', 'c', 'd', 'd'].map((letter) => `tenant-${letter.repeat(12)}`));
    const outcomes = await Promise.allSettled([
      makeTenant(call, 'acme', { labels: { tier: 'gold' } }),
      makeTenant(call, 'beta', { labels: { tier: 'gold' } }),
      makeTenant(call, 'gamma', { quota: { gpus: 1 } }),
      makeTenant(call, 'delta'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    const count = (table: string) =>
      onFile(path, (db) => db.prepare(`select count(*) from ${table}`).pluck().get());
    expect(['tenant', 'tenant_label', 'scope', 'event'].map(count)).toEqual([2, 1, 2, 3]);
    expect(counts).toEqual([3, 4]);
  });

  it('are not done once more where a call had only read when it failed', async () => {
    const counts: number[] = [];
    const { call } = await service(counting(counts));
    await makeTenant(call, 'acme');
    const again = Array.from({ length: 3 }, () => refusal(makeTenant(call, 'acme')));
    await Promise.all([...again, makeTenant(call, 'beta')]);
    expect(counts).toEqual([1, 4]);
  });

  it('are rehearsed in a savepoint, of which nothing stays', async () => {
    const { call, events } = await service();
    const [, rehearsed, kept] = await Promise.all([
      makeTenant(call, 'acme'),
      call(setQuota, { tenant: 'acme', gpu: 7 }, { dryRun: true }),
      call(setQuota, { tenant: 'acme', gpu: '+1' }),
    ]);
    expect([rehearsed.gpu, kept.gpu]).toEqual([7, 1]);
    expect(await events()).toHaveLength(3);
  });

  it('see what those before them in the same transaction did', async () => {
    const { call } = await service();
    const [, , third] = await Promise.all([
      makeTenant(call, 'eng'),
      makeTenant(call, 'web', { parent: 'eng' }),
      call(setQuota, { tenant: 'web', gpu: '+1' }),
      call(updateTenant, { tenant: 'web', weight: 2 }, { ifVersion: 1 }),
    ]);
    expect(third).toMatchObject({ tenant_name: 'web', gpu: 1 });
    const raises = names.map(() => call(setQuota, { tenant: 'web', gpu: '+1' }));
    const limits = (await Promise.all(raises)).map(({ gpu }) => gpu);
    expect(limits).toEqual(names.map((_, i) => i + 2));
  });

  it('of which several saw one version are done once', async () => {
    const { call } = await service();
    await makeTenant(call, 'acme');
    const outcomes = await Promise.allSettled(
      names.map((_, i) => call(updateTenant, { tenant: 'acme', weight: i + 10 }, { ifVersion: 1 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ weight: 10, version: 2 });
  });

  it('are answered only when what they did can be seen by everybody', async () => {
    const { call, path } = await service();
    const other = new Sqlite(path, { readonly: true });
    const seen = other.prepare('select 1 from tenant where name = ?').pluck();
    const answers = names.map(async (name) => {
      await makeTenant(call, name);
      return seen.get(name);
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1]));
    other.close();
  });
});

describe('a transaction that is lost', () => {
  /** Loses the transactions for which `isLost` says so, after that many calls. */
  function losing(after: number, isLost: () => boolean) {
    return watching(() => (call) => {
      if (isLost() && call > after) throw new TransactionLost(unavailable('The disk is full.'));
    });
  }

  it('is answered to every call of its group as not done, and later calls are done', async () => {
    let isLost = true;
    const { call, events } = await service(losing(3, () => isLost));
    const outcomes = await Promise.allSettled(names.map((name) => makeTenant(call, name)));
    const codes = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as HodeiError).code : 'done',
    );
    expect(new Set(codes)).toEqual(new Set(['unavailable']));
    expect(await events()).toHaveLength(1);
    isLost = false;
    await makeTenant(call, 't-000');
    expect((await events()).at(-1)?.sequence).toBe(2);
  });

  it('says why, and that nothing was done', async () => {
    const { call } = await service(losing(0, () => true));
    expect(await refusal(makeTenant(call, 'acme'))).toEqual({
      code: 'unavailable',
      message: 'The disk is full.',
      hint: 'Nothing was done. Try again.',
    });
  });
});
