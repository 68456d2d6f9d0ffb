import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { listAudit } from '../../src/service/events.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

type ListInput = z.input<ReturnType<typeof listAudit.input>>;

const genesis = { sequence: 0, hash: GENESIS_HASH };

describe.each(doors)('the audit ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const sequences = async (input: ListInput) => {
    const { items } = await call(listAudit, input);
    return items.map(({ sequence }) => sequence);
  };

  it('has every change, the newest first, as it was', async () => {
    const { id } = await makeTenant(call, 'acme');
    hodei.clock.advance(1_500);
    const asked = hodei.as({ actingAs: 'ben', reason: 'release week' });
    await asked(setQuota, { tenant: 'acme', cpu_m: 6000 });
    const { items, next_cursor } = await call(listAudit, {});
    expect(next_cursor).toBeNull();
    expect(items.map(({ operation }) => operation)).toEqual([
      'quota.set',
      'tenant.create',
      'config.apply',
    ]);
    expect(items[0]).toEqual({
      sequence: 3,
      time: '2026-11-23T09:00:01.500Z',
      principal: hodei.principal,
      acting_as: 'ben',
      operation: 'quota.set',
      tenant: id,
      tenant_name: 'acme',
      object: id,
      reason: 'release week',
      before: { cpu_m: 4000 },
      after: { cpu_m: 6000 },
      trace_id: expect.stringMatching(/./) as string,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(items[2]).toMatchObject({ sequence: 1, tenant: null, tenant_name: null, before: null });
  });

  it('is of one tenant, by id, name or the beginning of an id, and of a deleted one by id', async () => {
    const acme = await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    await call(setQuota, { tenant: 'beta', gpu: 1 });
    await call(suspendTenant, { tenant: 'acme' });
    for (const tenant of ['acme', acme.id, acme.id.slice(0, -3)]) {
      expect(await sequences({ tenant })).toEqual([5, 2]);
    }
    await call(deleteTenant, { tenant: 'acme' });
    expect(await sequences({ tenant: acme.id })).toEqual([6, 5, 2]);
    expect((await refusal(call(listAudit, { tenant: 'acme' }))).code).toBe('not_found');
  });

  it('follows a tenant through its names', async () => {
    await makeTenant(call, 'acme');
    await call(updateTenant, { tenant: 'acme', name: 'ajax' });
    await makeTenant(call, 'acme');
    expect(await sequences({ tenant: 'ajax' })).toEqual([3, 2]);
    expect(await sequences({ tenant: 'acme' })).toEqual([4]);
  });

  it('is of one principal, whatever name was noted beside it', async () => {
    await makeTenant(hodei.as({ actingAs: 'zoe' }), 'acme');
    await makeTenant(hodei.local({ principal: 'zoe' }), 'beta');
    expect(await sequences({ principal: 'zoe' })).toEqual([3]);
    expect(await sequences({ principal: hodei.principal })).toContain(2);
    expect(await sequences({ principal: 'zo' })).toEqual([]);
  });

  it('is of one operation', async () => {
    await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 1 });
    await call(applySettings, { resources: [{ name: 'fpga' }] });
    expect(await sequences({ operation: 'quota.set' })).toEqual([3]);
    expect(await sequences({ operation: 'config.apply' })).toEqual([4, 1]);
    expect(await sequences({ operation: 'quota.unset' })).toEqual([]);
  });

  it('begins at a time and ends before one', async () => {
    for (const name of ['a', 'b', 'c']) {
      hodei.clock.advance(60_000);
      await makeTenant(call, name);
    }
    expect(await sequences({ since: '2026-11-23T09:02:00.000Z' })).toEqual([4, 3]);
    expect(await sequences({ until: '2026-11-23T09:02:00.000Z' })).toEqual([2, 1]);
    const minute = { since: '2026-11-23T09:01:00.000Z', until: '2026-11-23T09:02:00.000Z' };
    expect(await sequences(minute)).toEqual([2]);
    expect(await sequences({ ...minute, until: minute.since })).toEqual([]);
  });

  it('keeps the order of the commits where the clock goes back', async () => {
    hodei.clock.advance(-3_600_000);
    await makeTenant(call, 'acme');
    expect(await sequences({})).toEqual([2, 1]);
    expect(await sequences({ until: '2026-11-23T09:00:00.000Z' })).toEqual([2]);
  });

  it('combines its filters, and comes page by page while it grows', async () => {
    await makeTenant(call, 'acme');
    for (const gpu of [1, 2, 3, 4, 5]) await call(setQuota, { tenant: 'acme', gpu });
    const filter = { tenant: 'acme', operation: 'quota.set', limit: 2 };
    const seen: number[] = [];
    for await (const page of everyPage((after) => call(listAudit, { ...filter, ...after }))) {
      seen.push(...page.items.map(({ sequence }) => sequence));
      await call(setQuota, { tenant: 'acme', gpu: 10 + seen.length });
    }
    expect(seen).toEqual([7, 6, 5, 4, 3]);
  });

  it.each([
    [{ operation: 'quota' }, 'operation: must be a name such as quota.set'],
    [{ operation: 'quota.set; drop' }, 'operation: must be a name such as quota.set'],
    [{ since: 'yesterday' }, 'since: '],
    [{ until: '2026-13-01T00:00:00.000Z' }, 'until: '],
    [{ principal: '' }, 'principal: '],
    [{ tenants: 'acme' }, 'did you mean tenant?'],
    [{ cursor: 'x' }, 'The cursor does not belong to this list.'],
  ])('by %j is refused', async (input, message) => {
    const refused = await refusal(call(listAudit, input as ListInput));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
  });
});

describe.each(doors)('the chain of events ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is unbroken, and a refused call leaves no gap', async () => {
    await makeTenant(call, 'acme');
    await refusal(makeTenant(call, 'acme'));
    await refusal(call(setQuota, { tenant: 'acme', gpus: 1 }));
    await call(setQuota, { tenant: 'acme', gpu: 1 }, { dryRun: true });
    await makeTenant(call, 'beta');
    const events = await hodei.events();
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(findBreak(genesis, events)).toBeUndefined();
  });

  it.each([
    `update event set reason = 'other' where sequence = 3`,
    `update event set principal = 'zoe' where sequence = 3`,
    `update event set after_state = '{"gpu":2}' where sequence = 3`,
    `update event set time = time + 1 where sequence = 3`,
    `update event set acting_as = 'zoe' where sequence = 3`,
    `update event set hash = previous_hash where sequence = 3`,
    `delete from event where sequence = 3`,
    `update event set previous_hash = hash where sequence = 3`,
  ])('shows where somebody wrote past hodei: %s', async (sql) => {
    await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 1 });
    await call(setQuota, { tenant: 'acme', gpu: 3 });
    onFile(hodei.path, (connection) => connection.exec(sql));
    expect(findBreak(genesis, await hodei.events())?.sequence).toBe(3);
  });

  it('goes on from a checkpoint, and is broken from a wrong one', async () => {
    for (const name of ['a', 'b', 'c']) await makeTenant(call, name);
    const [, second, ...rest] = await hodei.events();
    if (second === undefined) throw new Error('there are no events');
    expect(findBreak(second, rest)).toBeUndefined();
    expect(findBreak({ ...second, hash: GENESIS_HASH }, rest)?.sequence).toBe(3);
    expect(findBreak({ ...second, sequence: 1 }, rest)?.sequence).toBe(2);
  });
});
