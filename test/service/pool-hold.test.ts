import { describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal, runLocal } from '../../src/service/call.ts';
import { getJob } from '../../src/service/jobs.ts';
import {
  deletePool,
  getPool,
  holdPool,
  listPools,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import { applySettings } from '../../src/service/settings.ts';
import { sweep } from '../../src/service/sweep.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { dump } from '../helpers/store.ts';

const HOUR = 60 * 60 * 1000;
const pool = 'gpu';
/** Two hours after every test begins. */
const until = '2026-11-23T11:00:00.000Z';
const later = '2026-11-23T12:00:00.000Z';
const active = { status: 'active', held_until: null, held_reason: null };

describe.each(doors)('a pool that is held until a time ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const driver = hodei.as({ reason: 'driver' });

  async function eventsFrom(sequence: number) {
    const events = (await hodei.events()).slice(sequence);
    return events.map(({ operation, principal, reason, before, after }) => ({
      ...{ operation, principal, reason },
      ...{ before: JSON.parse(before ?? 'null'), after: JSON.parse(after ?? 'null') },
    }));
  }

  /** One job that runs in it, and one that waits because it is held. */
  async function heldWithTwo() {
    await makeFreeTenant(call, 'acme');
    await makePool(call, pool);
    await ask(call, pool, 'a');
    await driver(holdPool, { pool, until });
    await ask(call, pool, 'b');
  }

  it('says until when and why, and so does its event', async () => {
    await makePool(call, pool);
    const before = (await hodei.events()).length;
    const held = await driver(holdPool, { pool, until: '2026-11-23T12:00:00+01:00' });
    const state = { status: 'held', held_until: until, held_reason: 'driver' };
    expect(held).toMatchObject({ ...state, version: 2 });
    expect(await call(getPool, { pool })).toMatchObject(state);
    expect((await call(listPools, {})).items.at(-1)).toMatchObject(state);
    expect(await eventsFrom(before)).toEqual([
      {
        ...{ operation: 'pool.hold', principal: hodei.principal, reason: 'driver' },
        ...{ before: active, after: state },
      },
    ]);
  });

  it('is shown as active from that time on, without a write', async () => {
    await heldWithTwo();
    const rows = dump(hodei.path);
    hodei.clock.advance(2 * HOUR - 1);
    expect(await call(getPool, { pool })).toMatchObject({ status: 'held', jobs: 1, waiting: 1 });
    hodei.clock.advance(1);
    expect(await call(getPool, { pool })).toMatchObject(active);
    expect((await call(listPools, {})).items.at(-1)).toMatchObject(active);
    expect(dump(hodei.path)).toEqual(rows);
  });

  it('is resumed by the next change of anything, which starts who waits there', async () => {
    await heldWithTwo();
    hodei.clock.advance(2 * HOUR);
    const before = (await hodei.events()).length;
    await makePool(call, 'other');
    expect(await call(getPool, { pool })).toMatchObject({
      ...{ ...active, version: 3, jobs: 2, waiting: 0 },
      updated_at: until,
    });
    expect(await call(getJob, { job: 'acme:b' })).toMatchObject({ state: 'admitted' });
    const [resumed, promoted, created, ...more] = await eventsFrom(before);
    expect(resumed).toEqual({
      ...{ operation: 'pool.resume', principal: 'hodei', reason: null },
      before: { status: 'held', held_until: until, held_reason: 'driver' },
      after: active,
    });
    expect(promoted).toMatchObject({ operation: 'job.promote', principal: 'hodei' });
    expect(created).toMatchObject({ operation: 'pool.create', principal: hodei.principal });
    expect(more).toEqual([]);
    await makePool(call, 'another');
    expect(await eventsFrom(before + 3)).toMatchObject([{ operation: 'pool.create' }]);
  });

  it('lets in the first request after that time', async () => {
    await heldWithTwo();
    hodei.clock.advance(2 * HOUR);
    expect(await ask(call, pool, 'c')).toMatchObject({ state: 'admitted' });
  });

  it('is resumed by the sweep where nobody changes anything, once', async () => {
    await heldWithTwo();
    const { store, environment } = hodei;
    const sweepNow = () => sweep(store, environment, runLocal(store, environment), TRACE_ID);
    await sweepNow();
    expect(await call(getPool, { pool })).toMatchObject({ status: 'held', version: 2 });
    hodei.clock.advance(2 * HOUR);
    await sweepNow();
    const events = await hodei.events();
    expect(events.slice(-2).map(({ operation }) => operation)).toEqual([
      'pool.resume',
      'job.promote',
    ]);
    await sweepNow();
    expect(await hodei.events()).toEqual(events);
  });

  it('stays so over a restart, and is resumed by who comes after', async () => {
    await heldWithTwo();
    const store = openSqliteStore({ path: hodei.path, create: false, now: hodei.clock.now });
    const restarted = callAs(callLocal(store, hodei.environment), {
      ...{ ...fullAuthority, principal: 'ben', traceId: TRACE_ID },
    });
    expect(await restarted(getPool, { pool })).toMatchObject({
      ...{ status: 'held', held_until: until, held_reason: 'driver' },
    });
    hodei.clock.advance(2 * HOUR);
    await makePool(restarted, 'other');
    expect(await restarted(getPool, { pool })).toMatchObject({ ...active, jobs: 2 });
    await store.close();
  });

  it('is resumed too while pools are switched off', async () => {
    await heldWithTwo();
    await call(applySettings, { resource_pools: { enabled: false } });
    hodei.clock.advance(2 * HOUR);
    await call(applySettings, {});
    expect(await call(getPool, { pool })).toMatchObject(active);
    const resumes = (await hodei.events()).filter(({ operation }) => operation === 'pool.resume');
    expect(resumes).toHaveLength(1);
  });

  it('is resumed together with others of the same time', async () => {
    for (const id of ['a', 'b', 'c']) await makePool(call, id);
    for (const id of ['a', 'b']) await call(holdPool, { pool: id, until });
    await call(holdPool, { pool: 'c', until: later });
    hodei.clock.advance(2 * HOUR);
    await makePool(call, 'd');
    const { items } = await call(listPools, {});
    const held = items.filter(({ status }) => status === 'held').map(({ id }) => id);
    expect(held).toEqual(['c']);
  });
});

describe.each(doors)('a hold once more ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const driver = hodei.as({ reason: 'driver' });

  it('changes until when, and why where a new reason is given', async () => {
    await makePool(call, pool);
    await driver(holdPool, { pool, until });
    expect(await call(holdPool, { pool, until: later })).toMatchObject({
      ...{ held_until: later, held_reason: 'driver', version: 3 },
    });
    const fan = hodei.as({ reason: 'fan' });
    expect(await fan(holdPool, { pool, until: later })).toMatchObject({
      ...{ held_until: later, held_reason: 'fan', version: 4 },
    });
    expect(JSON.parse((await hodei.events()).at(-1)?.after ?? '')).toEqual({ held_reason: 'fan' });
    expect(await fan(holdPool, { pool, until: later })).toMatchObject({ version: 4 });
  });

  it('without a time keeps the end that it has, so that a repeated command changes nothing', async () => {
    await makePool(call, pool);
    await driver(holdPool, { pool, until });
    expect(await call(holdPool, { pool })).toMatchObject({
      ...{ status: 'held', held_until: until, held_reason: 'driver', version: 2 },
    });
    hodei.clock.advance(24 * HOUR);
    await makePool(call, 'other');
    expect(await call(getPool, { pool })).toMatchObject(active);
  });

  it('after its time is a new one, of which nobody knows why', async () => {
    await makePool(call, pool);
    await driver(holdPool, { pool, until });
    hodei.clock.advance(2 * HOUR);
    expect(await call(holdPool, { pool, until: later })).toMatchObject({
      ...{ status: 'held', held_until: later, held_reason: null },
    });
  });
});

describe.each(doors)('what becomes of a hold with a time ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const driver = hodei.as({ reason: 'driver' });

  it('is left alone by an update, which takes back what a get answered', async () => {
    await makePool(call, pool);
    const held = await driver(holdPool, { pool, until });
    expect(await call(updatePool, { ...held, pool, max_size: 2 })).toMatchObject({
      ...{ status: 'held', held_until: until, held_reason: 'driver', size: 2 },
    });
  });

  it('is that nothing is left of it when somebody resumes the pool before', async () => {
    await makePool(call, pool);
    await driver(holdPool, { pool, until });
    expect(await call(resumePool, { pool })).toMatchObject({ ...active, version: 3 });
    hodei.clock.advance(2 * HOUR);
    await makePool(call, 'other');
    expect(await call(getPool, { pool })).toMatchObject({ ...active, version: 3 });
  });

  it('is that nothing resumes a pool that is deleted', async () => {
    await makePool(call, pool);
    await driver(holdPool, { pool, until });
    await call(deletePool, { pool });
    await makePool(call, pool);
    hodei.clock.advance(2 * HOUR);
    await makePool(call, 'other');
    const operations = (await hodei.events()).map(({ operation }) => operation);
    expect(operations).not.toContain('pool.resume');
  });

  it.each(['2026-11-23T09:00:00.000Z', '2026-11-23T08:59:59Z', '2026-11-23T09:30:00+01:00'])(
    'is not that it ends before it begins: %s',
    async (time) => {
      await makePool(call, pool);
      expect(await refusal(call(holdPool, { pool, until: time }))).toEqual({
        code: 'invalid',
        message: `until: ${new Date(time).toISOString()} is over, it is 2026-11-23T09:00:00.000Z.`,
        hint: 'Say a time that is to come, or none: then it is held until somebody resumes it.',
      });
      expect(await call(getPool, { pool })).toMatchObject({ ...active, version: 1 });
    },
  );

  it.each(['18:00', '2026-11-24', '2026-11-24T08:00', '', null, 1_795_000_000_000])(
    'is refused where it is no time with its zone: %j',
    async (time) => {
      await makePool(call, pool);
      const refused = await refusal(call(holdPool, { pool, until: time } as never));
      expect(refused.message).toBe('until: must be a time such as 2026-11-01T09:00:00Z');
    },
  );

  it('is said by a dry run, which keeps nothing of it', async () => {
    await makePool(call, pool);
    const rows = dump(hodei.path);
    const said = await driver(holdPool, { pool, until }, { dryRun: true });
    expect(said).toMatchObject({ held_until: until, held_reason: 'driver' });
    expect(dump(hodei.path)).toEqual(rows);
    expect(await driver(holdPool, { pool, until })).toEqual(said);
  });
});
