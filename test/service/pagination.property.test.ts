import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listAudit } from '../../src/service/events.ts';
import { listQuotas } from '../../src/service/quotas.ts';
import {
  deleteTenant,
  listTenants,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { everyPage } from '../helpers/pages.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

/** Tenants that stay as they are, and others that come, go and change while somebody pages. */
const scene = fc.record({
  /** Of each that stays: its first letter, and which of those before it is its parent, if any. */
  staying: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), {
    minLength: 1,
    maxLength: 12,
  }),
  restless: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), { maxLength: 8 }),
  pages: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 10 }),
  changes: fc.array(
    fc.tuple(
      fc.constantFrom('create', 'delete', 'rename', 'suspend', 'label', 'use'),
      fc.constantFrom('a', 'b', 'c'),
      fc.nat(20),
    ),
    { maxLength: 60 },
  ),
});

type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

interface Page {
  readonly items: readonly string[];
  readonly next_cursor: string | null;
}

interface Order {
  page(hodei: TestService, page: { limit: number; cursor?: string }): Promise<Page>;
  /** Whether a tenant that stays belongs to the list. */
  holds(tenant: Staying): boolean;
}

interface Staying {
  readonly name: string;
  readonly parent: string | null;
}

const everyone = () => true;

const orders: Record<string, Order> = {
  'by name': tenants({}, everyone),
  'by creation': tenants({ sort: 'created' }, everyone),
  'by label': tenants({ label: ['tier=gold', 'kind=s'] }, everyone),
  'as a tree': tenants({ tree: true }, everyone),
  'as a filtered tree': tenants({ tree: true, name_prefix: 'b', status: 'active' }, isB),
  'by prefix': tenants({ name_prefix: 'b' }, isB),
  'by prefix and creation': tenants({ name_prefix: 'b', sort: 'created' }, isB),
  'of one status': tenants({ status: 'active' }, everyone),
  'of children': tenants({ parent: 'b-top' }, ({ parent }) => parent === 'b-top'),
  'as a subtree': tenants({ parent: 'b-top', tree: true }, everyone),
  'of quotas by use': quotas({ sort: 'used' }),
  'of quotas over 50 %': quotas({ over: 50 }),
};

it.each(Object.keys(orders))(
  'a list %s has everyone who is there throughout exactly once, whatever happens to others',
  async (order) => {
    await fc.assert(
      fc.asyncProperty(scene, async (drawn) => {
        const hodei = await testService();
        try {
          await pageThrough(hodei, orders[order] as Order, drawn, order === 'as a subtree');
        } finally {
          await hodei.close();
        }
      }),
      { numRuns: 15, interruptAfterTimeLimit: 20_000 },
    );
  },
  30_000,
);

it('an audit list has every event of before exactly once while more come, whatever the pages', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async (drawn) => {
      const hodei = await testService();
      try {
        await setUp(hodei, drawn, null);
        const before = (await hodei.events()).map(({ sequence }) => String(sequence));
        const seen = await collect(hodei, auditPage, drawn);
        expect(seen).toEqual(before.reverse());
      } finally {
        await hodei.close();
      }
    }),
    { numRuns: 15, interruptAfterTimeLimit: 20_000 },
  );
}, 30_000);

async function pageThrough(
  hodei: TestService,
  order: Order,
  drawn: Scene,
  isBelowTop: boolean,
): Promise<void> {
  const staying = await setUp(hodei, drawn, isBelowTop ? 'b-top' : null);
  const seen = await collect(hodei, order.page, drawn);
  const wanted = staying.filter((tenant) => order.holds(tenant)).map(({ name }) => name);
  const counted = wanted.map((name) => [name, seen.filter((other) => other === name).length]);
  expect(counted).toEqual(wanted.map((name) => [name, 1]));
  // Nobody at all comes twice, unless a rename or a change of use has moved him on.
  const stable = seen.filter((name) => !name.includes('-r'));
  expect(new Set(stable).size).toBe(stable.length);
}

async function setUp(hodei: TestService, drawn: Scene, root: string | null): Promise<Staying[]> {
  await makeTenant(hodei.call, 'b-top', { labels: { tier: 'gold', kind: 'top' } });
  const staying: Staying[] = [];
  for (const [index, [letter, nth]] of drawn.staying.entries()) {
    const above = ['b-top', ...staying.map(({ name }) => name)][nth] ?? root;
    const tenant = { name: `${letter}-s${index}`, parent: above };
    const labels = { tier: 'gold', kind: 's' };
    await makeTenant(hodei.call, tenant.name, { parent: above, labels });
    hodei.setUsed(tenant.name, { cpu_m: 3000 + (index % 3) });
    staying.push(tenant);
  }
  for (const [index, [letter, nth]] of drawn.restless.entries()) {
    const above = ['b-top', ...staying.map(({ name }) => name)][nth] ?? null;
    await makeTenant(hodei.call, `${letter}-r${index}`, {
      parent: above,
      labels: { tier: 'gold' },
    });
  }
  return staying;
}

/** Pages to the end, and between any two pages does some of the changes. */
async function collect(hodei: TestService, page: Order['page'], drawn: Scene): Promise<string[]> {
  const changes = [...drawn.changes];
  const seen: string[] = [];
  let count = 0;
  const nextLimit = () => drawn.pages[count++ % drawn.pages.length] ?? 1;
  const pages = everyPage(async (after) => {
    const limit = nextLimit();
    const answer = await page(hodei, { limit, ...after });
    expect(answer.items.length).toBeLessThanOrEqual(limit);
    return answer;
  });
  for await (const { items } of pages) {
    seen.push(...items);
    for (const change of changes.splice(0, 3)) await disturb(hodei, change);
  }
  return seen;
}

/** Changes somebody who is not of those that stay. */
async function disturb(
  hodei: TestService,
  [what, letter, nth]: Scene['changes'][number],
): Promise<void> {
  const { call } = hodei;
  const { items } = await call(listTenants, { limit: 500, sort: 'created' });
  const restless = items.filter(({ name }) => name.includes('-r'));
  const tenant = restless[nth % Math.max(1, restless.length)]?.name;
  const fresh = `${letter}-r${(await hodei.events()).length}-${nth}`;
  if (what === 'create' || tenant === undefined) {
    const parent = items[nth]?.name ?? null;
    await makeTenant(call, fresh, { parent, labels: { tier: 'gold', kind: 's' } });
  } else if (what === 'delete') await call(deleteTenant, { tenant, cascade: true });
  else if (what === 'rename') await call(updateTenant, { tenant, name: fresh });
  else if (what === 'label') await call(updateTenant, { tenant, labels: { tier: letter } });
  else if (what === 'use') hodei.setUsed(tenant, { cpu_m: nth * 250 });
  else await call(nth % 2 === 0 ? suspendTenant : resumeTenant, { tenant });
}

function tenants(
  input: Parameters<typeof listTenants.run>[1] | object,
  holds: Order['holds'],
): Order {
  return {
    holds,
    async page({ call }, page) {
      const { items, next_cursor } = await call(listTenants, { ...input, ...page });
      return { items: items.map(({ name }) => name), next_cursor };
    },
  };
}

function quotas(input: { sort?: 'used'; over?: number }): Order {
  return {
    holds: everyone,
    async page({ call }, page) {
      const { items, next_cursor } = await call(listQuotas, { ...input, ...page });
      return { items: items.map(({ tenant_name: name }) => name), next_cursor };
    },
  };
}

const auditPage: Order['page'] = async ({ call }, page) => {
  const { items, next_cursor } = await call(listAudit, page);
  return { items: items.map(({ sequence }) => String(sequence)), next_cursor };
};

function isB({ name }: Staying): boolean {
  return name.startsWith('b');
}
