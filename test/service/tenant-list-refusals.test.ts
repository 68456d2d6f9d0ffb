import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/service/events.ts';
import { listQuotas } from '../../src/service/quotas.ts';
import { listTenants } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('what no list of tenants can be ($name call)', (door) => {
  const { call } = useDoor(door);

  it.each([
    [{ limit: 0 }, 'limit: must be a whole number from 1 to 500'],
    [{ limit: 501 }, 'limit: must be a whole number from 1 to 500'],
    [{ limit: 1.5 }, 'limit: must be a whole number from 1 to 500'],
    [{ limit: 'many' }, 'limit: must be a whole number from 1 to 500'],
    [{ tree: 'perhaps' }, 'tree: must be true or false'],
    [{ status: 'dead' }, 'status: '],
    [{ sort: 'weight' }, 'sort: '],
    [{ name_prefix: 'A' }, 'name_prefix: must be the beginning of a name'],
    [{ name_prefix: '' }, 'name_prefix: must be the beginning of a name'],
    [{ prefix: 'a' }, 'unknown field "prefix"'],
    [{ label: 'tier' }, 'a label is written key=value: "tier"'],
    [{ label: '=gold' }, 'a label is written key=value: "=gold"'],
    [{ label: 'a b=c' }, "a label's key has"],
    [
      { label: ['tier=gold', 'tier=silver'] },
      'No tenant can have the label tier twice: tier=gold and tier=silver.',
    ],
    [
      { label: 'tier=gold', sort: 'name' },
      'A list by label is sorted by creation: leave sort out.',
    ],
  ])('%j is refused with what was expected', async (input, message) => {
    const refused = await refusal(call(listTenants, input as never));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
  });

  it.each([{ limit: '2' }, { limit: '002' }, { tree: 'true' }, { tree: 'false', limit: '500' }])(
    '%j is understood, since a query carries only text',
    async (input) => {
      await makeTenant(call, 'acme');
      expect((await call(listTenants, input as never)).items).toHaveLength(1);
    },
  );

  const refusedCursor = {
    code: 'invalid',
    message: 'The cursor does not belong to this list.',
    hint: 'Leave it out to begin at the first page.',
  };

  it('goes on from a cursor of another order', async () => {
    for (const name of ['a', 'b', 'c']) {
      await makeTenant(call, name, { labels: { tier: 'gold' } });
    }
    const orders = {
      name: {},
      created: { sort: 'created' },
      tree: { tree: true },
      sequence: undefined,
    } as const;
    for (const [order, input] of Object.entries(orders)) {
      const page =
        input === undefined
          ? await call(listAudit, { limit: 1 })
          : await call(listTenants, { ...input, limit: 1 });
      const cursor = page.next_cursor ?? '';
      expect(cursor).not.toBe('');
      for (const [other, otherInput] of Object.entries(orders)) {
        if (other === order || otherInput === undefined) continue;
        const attempt = call(listTenants, { ...otherInput, cursor });
        expect(await refusal(attempt)).toEqual(refusedCursor);
      }
      expect(await refusal(call(listQuotas, { sort: 'used', cursor }))).toEqual(refusedCursor);
    }
  });

  it('goes on from a cursor of a tree elsewhere', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeLine(call, 'sales', 'emea', 'south');
    const page = await call(listTenants, { tree: true, parent: 'eng', limit: 1 });
    const cursor = page.next_cursor ?? '';
    const attempt = call(listTenants, { tree: true, parent: 'sales', cursor });
    expect(await refusal(attempt)).toEqual(refusedCursor);
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['text that is no JSON', text('name')],
    ['a number', text('5')],
    ['null', text('null')],
    ['an object', text('{"order":"name"}')],
    ['an empty list', text('[]')],
    ['no place', text('["name"]')],
    ['two places', text('["name","a","b"]')],
    ['a place of another type', text('["name",1]')],
    ['a nested place', text('["name",["a"]]')],
    ['nothing as a place', text('["name",null]')],
  ])('goes on from a forged cursor: %s', async (_, cursor) => {
    await makeTenant(call, 'acme');
    expect(await refusal(call(listTenants, { cursor }))).toEqual(refusedCursor);
  });

  it.each([
    ['created', text('["created",1.5]')],
    ['created', text('["created",1e300]')],
    ['tree', text('["tree",""]')],
    ['tree', text('["tree","x/y"]')],
    ['tree', text('["tree","1e9/a"]')],
    ['tree', text('["tree",12345]')],
    ['used', text('["used",0.5,1]')],
  ])('goes on from a forged place in the order %s: %s', async (order, cursor) => {
    await makeTenant(call, 'acme');
    const attempts = {
      created: () => call(listTenants, { sort: 'created', cursor }),
      tree: () => call(listTenants, { tree: true, cursor }),
      used: () => call(listQuotas, { sort: 'used', cursor }),
    };
    const attempt = attempts[order as keyof typeof attempts];
    expect(await refusal(attempt())).toEqual(refusedCursor);
  });

  it('has an empty or endless cursor', async () => {
    for (const cursor of ['', 'a'.repeat(20_000)]) {
      expect((await refusal(call(listTenants, { cursor }))).code).toBe('invalid');
    }
  });
});

function text(json: string): string {
  return Buffer.from(json).toString('base64url');
}
