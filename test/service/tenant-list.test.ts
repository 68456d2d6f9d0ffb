import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import {
  deleteTenant,
  listTenants,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

type ListInput = z.input<ReturnType<typeof listTenants.input>>;

describe.each(doors)('a list of tenants ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const names = async (input: ListInput = {}) => {
    const { items } = await call(listTenants, input);
    return items.map(({ name }) => name).join(' ');
  };

  it('is empty where there are none', async () => {
    expect(await call(listTenants, {})).toEqual({ items: [], next_cursor: null });
  });

  it('comes by name, or by creation where that is said', async () => {
    for (const name of ['m', 'z', 'a', 'm-1', 'm0']) await makeTenant(call, name);
    expect(await names()).toBe('a m m-1 m0 z');
    expect(await names({ sort: 'name' })).toBe('a m m-1 m0 z');
    expect(await names({ sort: 'created' })).toBe('m z a m-1 m0');
  });

  it('keeps the order of creation where several came in one millisecond or the clock went back', async () => {
    await makeTenant(call, 'c');
    await makeTenant(call, 'b');
    hodei.clock.advance(-3_600_000);
    await makeTenant(call, 'a');
    expect(await names({ sort: 'created' })).toBe('c b a');
  });

  it('answers the same tenants as one by one', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng', labels: { tier: 'gold' }, weight: 4 });
    const { items } = await call(listTenants, {});
    expect(items.map(({ name, parent, labels }) => ({ name, parent, labels }))).toEqual([
      { name: 'app', parent: 'eng', labels: { tier: 'gold' } },
      { name: 'eng', parent: null, labels: {} },
      { name: 'web', parent: 'eng', labels: {} },
    ]);
    expect(items[0]).not.toHaveProperty('depth');
  });

  it('holds those whose name begins so, and no neighbours', async () => {
    for (const name of ['ab', 'ab-c', 'abc', 'ac', 'a', 'abz', 'b']) await makeTenant(call, name);
    expect(await names({ name_prefix: 'ab' })).toBe('ab ab-c abc abz');
    expect(await names({ name_prefix: 'ab-' })).toBe('ab-c');
    expect(await names({ name_prefix: 'abcd' })).toBe('');
    expect(await names({ name_prefix: 'ab', sort: 'created' })).toBe('ab ab-c abc abz');
  });

  it('holds those of a status', async () => {
    for (const name of ['a', 'b', 'c']) await makeTenant(call, name);
    await call(suspendTenant, { tenant: 'b' });
    expect(await names({ status: 'suspended' })).toBe('b');
    expect(await names({ status: 'active' })).toBe('a c');
  });

  it('holds those that have all the labels asked for, by creation', async () => {
    await makeTenant(call, 'z', { labels: { tier: 'gold', cc: '1' } });
    await makeTenant(call, 'a', { labels: { tier: 'gold', cc: '2' } });
    await makeTenant(call, 'm', { labels: { tier: 'silver', cc: '1', note: '' } });
    expect(await names({ label: 'tier=gold' })).toBe('z a');
    expect(await names({ label: ['tier=gold'] })).toBe('z a');
    expect(await names({ label: ['tier=gold', 'cc=2'] })).toBe('a');
    expect(await names({ label: ['cc=1', 'tier=gold', 'cc=1'] })).toBe('z');
    expect(await names({ label: ['tier=silver', 'cc=2'] })).toBe('');
    expect(await names({ label: 'note=' })).toBe('m');
    expect(await names({ label: 'tier=go' })).toBe('');
    expect(await names({ label: 'tier=GOLD' })).toBe('');
    expect(await names({ label: 'tier=gold', sort: 'created' })).toBe('z a');
  });

  it('follows the labels a tenant has now', async () => {
    await makeTenant(call, 'acme', { labels: { tier: 'gold' } });
    await call(updateTenant, { tenant: 'acme', labels: { tier: 'silver' } });
    expect(await names({ label: 'tier=gold' })).toBe('');
    expect(await names({ label: 'tier=silver' })).toBe('acme');
  });

  it('understands a label whose value has = in it', async () => {
    await makeTenant(call, 'acme', { labels: { sum: 'a=b=c' } });
    expect(await names({ label: 'sum=a=b=c' })).toBe('acme');
  });

  it('holds the children of one tenant, and with tree all below it', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeTenant(call, 'app', { parent: 'eng' });
    const sales = await makeTenant(call, 'sales');
    expect(await names({ parent: 'eng' })).toBe('app web');
    expect(await names({ parent: 'eng', sort: 'created' })).toBe('web app');
    expect(await names({ parent: 'eng', tree: true })).toBe('app web shop');
    expect(await names({ parent: 'shop' })).toBe('');
    expect(await names({ parent: sales.id.slice(0, -1), tree: true })).toBe('');
    expect((await refusal(call(listTenants, { parent: 'engg' }))).hint).toBe('Did you mean eng?');
  });

  it('combines every filter', async () => {
    await makeTenant(call, 'eng');
    for (const [name, tier] of Object.entries({ 'a-1': 'gold', 'a-2': 'gold', 'b-1': 'gold' })) {
      await makeTenant(call, name, { parent: 'eng', labels: { tier } });
    }
    await makeTenant(call, 'a-3', { labels: { tier: 'gold' } });
    await call(suspendTenant, { tenant: 'a-2' });
    const filter = { parent: 'eng', name_prefix: 'a-', label: 'tier=gold' };
    expect(await names({ ...filter, status: 'active' })).toBe('a-1');
    expect(await names({ ...filter, status: 'active', tree: true })).toBe('a-1');
    expect(await names(filter)).toBe('a-1 a-2');
  });

  it('holds 100 tenants where nothing is said, and up to 500', async () => {
    const all = Array.from({ length: 501 }, (_, i) => `t-${String(i).padStart(3, '0')}`);
    await Promise.all(all.map((name) => makeTenant(hodei.local({}), name)));
    const first = await call(listTenants, {});
    expect(first.items).toHaveLength(100);
    const most = await call(listTenants, { limit: 500 });
    expect(most.items).toHaveLength(500);
    const last = await call(listTenants, { limit: 500, cursor: most.next_cursor ?? '' });
    expect(last.items.map(({ name }) => name)).toEqual(['t-500']);
    expect(last.next_cursor).toBeNull();
  });

  it('ends with the page that holds the last row', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await makeTenant(call, name);
    const first = await call(listTenants, { limit: 2 });
    const second = await call(listTenants, { limit: 2, cursor: first.next_cursor ?? '' });
    expect(second.items.map(({ name }) => name)).toEqual(['c', 'd']);
    expect(second.next_cursor).toBeNull();
  });
});

describe.each(doors)('a list of tenants as a tree ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('has parents before children, siblings by name, and says how deep each stands', async () => {
    await makeLine(call, 'm', 'z', 'deep', 'deeper');
    await makeTenant(call, 'a', { parent: 'm' });
    await makeTenant(call, 'b');
    const rows = async (parent?: string) => {
      const { items } = await call(listTenants, { tree: true, ...(parent && { parent }) });
      return items.map(({ name, depth }) => `${depth} ${name}`);
    };
    expect(await rows()).toEqual(['0 b', '0 m', '1 a', '1 z', '2 deep', '3 deeper']);
    expect(await rows('m')).toEqual(['0 a', '0 z', '1 deep', '2 deeper']);
    expect(await rows('z')).toEqual(['0 deep', '1 deeper']);
  });

  it('shows what a filter lets through at its place, without what stands above it', async () => {
    await makeLine(call, 'eng', 'web', 'eng-web');
    await makeTenant(call, 'ops');
    const { items } = await call(listTenants, { tree: true, name_prefix: 'eng-' });
    expect(items.map(({ name, depth }) => [name, depth])).toEqual([['eng-web', 2]]);
  });

  it('has one order only', async () => {
    for (const sort of ['name', 'created'] as const) {
      expect(await refusal(call(listTenants, { tree: true, sort }))).toEqual({
        code: 'invalid',
        message: 'A tree has an order of its own: leave sort out.',
      });
    }
  });

  it('with more siblings than are read at once is complete, page by page', async () => {
    await makeTenant(call, 'eng');
    await makeTenant(call, 'zoo');
    const all = Array.from({ length: 230 }, (_, i) => `t-${String(i).padStart(3, '0')}`);
    await Promise.all(all.map((name) => makeTenant(hodei.local({}), name, { parent: 'eng' })));
    const seen: string[] = [];
    const pages = everyPage((after) => call(listTenants, { tree: true, limit: 90, ...after }));
    for await (const { items } of pages) seen.push(...items.map(({ name }) => name));
    expect(seen).toEqual(['eng', ...all, 'zoo']);
  });

  it('is complete however deep it is', async () => {
    const line = Array.from({ length: 120 }, (_, i) => `level-${i}-${'x'.repeat(50)}`);
    await makeLine(hodei.local({}), ...line);
    await makeTenant(call, 'zoo');
    const seen: string[] = [];
    const pages = everyPage((after) => call(listTenants, { tree: true, limit: 30, ...after }));
    for await (const { items } of pages) seen.push(...items.map(({ name }) => name));
    expect(seen).toEqual([...line, 'zoo']);
  });

  it('goes on behind a tenant that was renamed, moved or deleted between two pages', async () => {
    for (const change of ['rename', 'move', 'delete']) {
      for (const name of ['a', 'b', 'c', 'd', 'z']) await makeTenant(call, name);
      const first = await call(listTenants, { tree: true, limit: 2 });
      expect(first.items.map(({ name }) => name)).toEqual(['a', 'b']);
      if (change === 'rename') await call(updateTenant, { tenant: 'b', name: 'y' });
      if (change === 'move') await call(updateTenant, { tenant: 'b', parent: 'd' });
      if (change === 'delete') await call(deleteTenant, { tenant: 'b' });
      const rest = await call(listTenants, { tree: true, cursor: first.next_cursor ?? '' });
      const seen = rest.items.map(({ name }) => name).filter((name) => 'acdz'.includes(name));
      expect({ change, seen }).toEqual({ change, seen: ['c', 'd', 'z'] });
      const { items } = await call(listTenants, { tree: true });
      for (const { name } of items.reverse()) await call(deleteTenant, { tenant: name });
    }
  });

  it('goes on within a subtree whose top was renamed between two pages', async () => {
    await makeTenant(call, 'b');
    for (const name of ['k', 'l']) await makeTenant(call, name, { parent: 'b' });
    for (const name of ['a', 'c', 'd']) await makeTenant(call, name);
    const first = await call(listTenants, { tree: true, limit: 3 });
    expect(first.items.map(({ name }) => name)).toEqual(['a', 'b', 'k']);
    await call(updateTenant, { tenant: 'b', name: 'x' });
    const rest = await call(listTenants, { tree: true, cursor: first.next_cursor ?? '' });
    expect(rest.items.map(({ name }) => name)).toEqual(expect.arrayContaining(['l', 'c', 'd']));
  });
});
