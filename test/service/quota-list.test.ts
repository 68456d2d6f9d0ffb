import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { getQuota, listQuotas, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, suspendTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;

type ListInput = z.input<ReturnType<typeof listQuotas.input>>;

describe.each(doors)('a list of quotas ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const names = async (input: ListInput) => {
    const { items } = await call(listQuotas, input);
    return items.map(({ tenant_name: name }) => name).join(' ');
  };
  /** A tenant with one limit and one use. */
  const using = async (name: string, cpu_m: number | null, used: number) => {
    await makeTenant(call, name, { quota: { cpu_m } });
    hodei.setUsed(name, { cpu_m: used });
  };

  it('holds every quota as it is answered one by one', async () => {
    await makeLine(call, 'eng', 'web');
    await call(setQuota, { tenant: 'web', cpu_m: 9000 });
    await call(unsetQuota, { tenant: 'web', resource: 'gpu' });
    const { items, next_cursor } = await call(listQuotas, {});
    expect(next_cursor).toBeNull();
    expect(items).toEqual([
      await call(getQuota, { tenant: 'eng' }),
      await call(getQuota, { tenant: 'web' }),
    ]);
  });

  it('is filtered and ordered as that of tenants is', async () => {
    for (const name of ['z', 'a', 'm']) {
      await makeTenant(call, name, { labels: { tier: name === 'm' ? 'silver' : 'gold' } });
    }
    await makeTenant(call, 'a-1', { parent: 'a' });
    await call(suspendTenant, { tenant: 'z' });
    expect(await names({})).toBe('a a-1 m z');
    expect(await names({ sort: 'created' })).toBe('z a m a-1');
    expect(await names({ label: 'tier=gold' })).toBe('z a');
    expect(await names({ name_prefix: 'a' })).toBe('a a-1');
    expect(await names({ parent: 'a' })).toBe('a-1');
    expect(await names({ tree: true })).toBe('a a-1 m z');
    expect(await names({ status: 'suspended' })).toBe('z');
  });

  it('by use has the fullest first, and only those that use something', async () => {
    await using('half', 1000, 500);
    await using('idle', 1000, 0);
    await makeTenant(call, 'never');
    await using('full', 1000, 1000);
    await using('over', 1000, 1001);
    await using('free', null, 5000);
    await using('closed', 0, 1);
    expect(await names({ sort: 'used' })).toBe('closed over full half free');
  });

  it('by use goes by the fullest resource of each', async () => {
    await using('a', 1000, 300);
    await using('b', 1000, 100);
    hodei.setUsed('b', { memory_mb: 8192, jobs: 1 });
    await using('c', 1000, 400);
    expect(await names({ sort: 'used' })).toBe('b c a');
  });

  it('by use has those that are equally full in the order of creation', async () => {
    for (const name of ['z', 'a', 'm']) await using(name, 1000, 500);
    expect(await names({ sort: 'used' })).toBe('z a m');
    expect(await names({ sort: 'used', over: 10 })).toBe('z a m');
  });

  it('over 80 % has those above, not those at exactly 80 %', async () => {
    await using('below', 1000, 799);
    await using('at', 1000, 800);
    await using('above', 1000, 801);
    await using('far', 1000, 5000);
    expect(await names({ over: 80 })).toBe('far above');
    expect(await names({ over: 79 })).toBe('far above at below');
    expect(await names({ over: 80, sort: 'used' })).toBe('far above');
    expect(await names({ over: 0 })).toBe('far above at below');
    expect(await names({ over: 499 })).toBe('far');
    expect(await names({ over: 500 })).toBe('');
  });

  it('over some per cent has any use of a limit of 0, and no use of unlimited', async () => {
    await using('closed', 0, 1);
    await using('closed-idle', 0, 0);
    await using('free', null, MAX);
    await using('full', 10, 10);
    expect(await names({ over: 99 })).toBe('closed full');
    expect(await names({ over: 1000 })).toBe('closed');
  });

  it('goes by the default where a limit is unset', async () => {
    await using('acme', 1000, 10);
    hodei.setUsed('acme', { gpu: 4 });
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    const defaultOfGpu = (limit: number | null) =>
      call(applySettings, { resources: [{ name: 'gpu', default_limit: limit }] });
    expect(await names({ over: 80 })).toBe('acme');
    await defaultOfGpu(5);
    expect(await names({ over: 80 })).toBe('');
    expect(await names({ over: 79 })).toBe('acme');
    await defaultOfGpu(null);
    expect(await names({ over: 79 })).toBe('');
    await call(setQuota, { tenant: 'acme', gpu: 4 });
    expect(await names({ over: 79 })).toBe('acme');
  });

  it('is exact however large the numbers are', async () => {
    // Limits at which the last whole use up to 80 % of it is not the one that floats would say.
    const limits = [MAX, MAX - 1, MAX - 3, MAX - 7, 9007199254740881, 5764607523034235];
    for (const [i, limit] of limits.entries()) {
      const most = Number((BigInt(limit) * 80n) / 100n);
      await using(`t${i}-at`, limit, most);
      await using(`t${i}-above`, limit, most + 1);
    }
    const { items } = await call(listQuotas, { over: 80 });
    const over = items.map(({ tenant_name: name }) => name).sort();
    expect(over).toEqual(limits.map((_, i) => `t${i}-above`));
  });

  it('puts a use of a thousand million million times the limit before a full one', async () => {
    await using('full', MAX, MAX);
    await using('absurd', 1, MAX);
    await using('closed', 0, 1);
    await using('twice', 1000, 2000);
    expect(await names({ sort: 'used' })).toBe('absurd closed twice full');
  });

  it('by use knows only what is in the catalogue, and only who is there', async () => {
    const license = [{ name: 'license', unit: 'seats', default_limit: 1 }];
    await call(applySettings, { resources: license });
    await makeTenant(call, 'acme');
    hodei.setUsed('acme', { license: 5 });
    await using('gone', 1000, 999);
    await call(deleteTenant, { tenant: 'gone' });
    expect(await names({ over: 80 })).toBe('acme');
    await call(applySettings, {});
    expect(await names({ over: 80 })).toBe('');
    expect(await names({ sort: 'used' })).toBe('');
    await call(applySettings, { resources: license });
    expect(await names({ sort: 'used' })).toBe('acme');
  });

  it('by use can be of those with a label, below one tenant, of a status or by a prefix', async () => {
    await makeTenant(call, 'eng');
    for (const [i, tier] of ['gold', 'silver', 'gold'].entries()) {
      await makeTenant(call, `t-${i}`, { parent: i === 2 ? null : 'eng', labels: { tier } });
      hodei.setUsed(`t-${i}`, { cpu_m: 3600 + i });
    }
    await call(suspendTenant, { tenant: 't-1' });
    expect(await names({ over: 80 })).toBe('t-0 t-1 t-2');
    expect(await names({ over: 80, label: 'tier=gold' })).toBe('t-0 t-2');
    expect(await names({ over: 80, parent: 'eng' })).toBe('t-0 t-1');
    expect(await names({ over: 80, status: 'active' })).toBe('t-0 t-2');
    expect(await names({ over: 80, name_prefix: 't-1' })).toBe('t-1');
    expect(await names({ over: 80, parent: 'eng', label: ['tier=gold'] })).toBe('t-0');
  });

  it('by use comes page by page, each tenant once', async () => {
    for (let i = 0; i < 9; i++) await using(`t-${i}`, 1000, 900 + (i % 3));
    const seen: string[] = [];
    const pages = everyPage((after) => call(listQuotas, { over: 80, limit: 2, ...after }));
    for await (const { items } of pages) {
      seen.push(...items.map(({ tenant_name: name }) => name));
    }
    expect(seen.join(' ')).toBe('t-2 t-5 t-8 t-1 t-4 t-7 t-0 t-3 t-6');
  });

  it.each([
    [{ over: -1 }, 'over: must be a whole number from 0 to 1000'],
    [{ over: 1001 }, 'over: must be a whole number from 0 to 1000'],
    [{ over: 80.5 }, 'over: must be a whole number from 0 to 1000'],
    [{ over: '80%' }, 'over: must be a whole number from 0 to 1000'],
    [{ over: 80, sort: 'name' }, 'A list of those over 80 % comes fullest first, not by name.'],
    [{ over: 80, sort: 'created' }, 'comes fullest first, not by created.'],
    [{ over: 80, tree: true }, 'A list by use cannot be a tree'],
    [{ sort: 'used', tree: true }, 'A list by use cannot be a tree'],
    [{ sort: 'fullest' }, 'sort: '],
  ])('as %j is refused', async (input, message) => {
    const refused = await refusal(call(listQuotas, input as never));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
  });
});
