import fc from 'fast-check';
import { expect, it } from 'vitest';
import { repairUsage, verifyUsage } from '../../src/service/usage.ts';
import {
  balancesFrom,
  balancesIn,
  explained,
  writeRows,
  type Made,
  type MadeBalance,
} from '../helpers/ledger-rows.ts';
import { testService } from '../helpers/service.ts';

const TENANTS = 12;
const POOLS = 3;
const RESOURCES = [1, 2, 3, 4];

/** Any forest: whom somebody stands under may have been created before or after. */
const tenants = fc
  .tuple(
    fc.array(fc.nat({ max: TENANTS }), { minLength: 1, maxLength: TENANTS }),
    fc.infiniteStream(fc.nat()),
  )
  .map(([above, shuffle]) => {
    const keys = above.map((_, i) => i + 1);
    const order = keys.map((key) => ({ key, at: shuffle.next().value as number }));
    order.sort((a, b) => a.at - b.at || a.key - b.key);
    const parents = new Map<number, number | null>();
    order.forEach(({ key }, i) => {
      const pick = above[i] ?? 0;
      parents.set(key, i === 0 || pick === 0 ? null : (order[pick % i]?.key ?? null));
    });
    return keys.map((key) => ({ parent: parents.get(key) ?? null }));
  });

const state = fc.constantFrom('admitted', 'admitted', 'queued', 'released', 'expired', 'cancelled');
const amount = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2 ** 40));
const amounts = fc.dictionary(fc.constantFrom(...RESOURCES.map(String)), amount, { minKeys: 1 });

const jobsOf = (count: number) =>
  fc.array(
    fc.record({
      tenant: fc.integer({ min: 1, max: count }),
      pool: fc.integer({ min: 1, max: POOLS }),
      ...{ state, amounts },
    }),
    { maxLength: 12 },
  );

/** What somebody did to the balances: to the one at a place, or where there is none. */
const harm = fc.oneof(
  fc.record({ do: fc.constant('lose' as const), at: fc.nat() }),
  fc.record({ do: fc.constant('change' as const), at: fc.nat(), used: fc.nat({ max: 12 }) }),
  fc.record({
    do: fc.constant('invent' as const),
    tenant: fc.option(fc.nat()),
    pool: fc.option(fc.integer({ min: 1, max: POOLS })),
    resource: fc.constantFrom(...RESOURCES),
    used: fc.constantFrom(0, 0, 1, 5, Number.MAX_SAFE_INTEGER),
  }),
);

type Harm = typeof harm extends fc.Arbitrary<infer T> ? T : never;

function harmed(balances: MadeBalance[], harms: readonly Harm[], count: number): MadeBalance[] {
  for (const each of harms) {
    const at = 'at' in each ? each.at % Math.max(1, balances.length) : 0;
    const balance = balances[at];
    if (each.do === 'lose') balances.splice(at, 1);
    else if (each.do === 'change') {
      if (balance !== undefined) balances[at] = { ...balance, used: each.used };
    } else {
      const { pool, resource, used } = each;
      const tenant = each.tenant === null ? null : 1 + (each.tenant % count);
      const isThere = balances.some(
        (other) => other.tenant === tenant && other.pool === pool && other.resource === resource,
      );
      if (!isThere && (tenant !== null || pool !== null)) {
        balances.push({ tenant, pool, resource, used });
      }
    }
  }
  return balances;
}

const scene = tenants.chain((made) =>
  fc.record({
    tenants: fc.constant(made),
    jobs: jobsOf(made.length),
    harms: fc.array(harm, { maxLength: 5 }),
  }),
);

it('whatever the tree, the jobs and the harm done, verify finds what a plain sum finds, and repair mends it', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async ({ harms, ...made }) => {
      const hodei = await testService();
      try {
        const due = explained(made);
        const balances = harmed(balancesFrom(due), harms, made.tenants.length);
        const rows: Made = { ...made, pools: POOLS - 1, balances };
        writeRows(hodei.path, rows);
        const before = balancesIn(hodei.path);
        const expected = differencesOf(before, due);
        const found = await hodei.call(verifyUsage, {});
        expect(found.differences.map(say).sort()).toEqual(expected);
        const places = new Set([...before.keys(), ...due.keys()]).size;
        const jobs = made.jobs.filter((job) => job.state === 'admitted').length;
        expect(found).toMatchObject({
          ...{ balances: places, jobs, rows: before.size + jobs },
          differences_in_all: expected.length,
        });
        expect(await hodei.call(repairUsage, {})).toEqual(found);
        expect((await hodei.call(verifyUsage, {})).differences_in_all).toBe(0);
        const after = [...balancesIn(hodei.path)].filter(([, used]) => used > 0);
        expect(new Map(after)).toEqual(due);
      } finally {
        await hodei.close();
      }
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);

function differencesOf(
  balances: ReadonlyMap<string, number>,
  due: ReadonlyMap<string, number>,
): string[] {
  const places = [...new Set([...balances.keys(), ...due.keys()])];
  return places
    .map((place) => [place, balances.get(place) ?? 0, due.get(place) ?? 0] as const)
    .filter(([, used, shouldBe]) => used !== shouldBe)
    .map(([place, used, shouldBe]) => `${place}: ${used}, ${shouldBe}`)
    .sort();
}

const resourceKeys = ['cpu_m', 'memory_mb', 'gpu', 'jobs'];

function say(difference: {
  tenant: string | null;
  pool: string | null;
  resource: string;
  used: number;
  should_be: number;
}): string {
  const { tenant, pool, resource, used, should_be: shouldBe } = difference;
  const poolKey = pool === null ? '-' : pool === 'default' ? '1' : pool.slice(1);
  const place = `${tenant?.slice(1) ?? '-'}/${poolKey}/${resourceKeys.indexOf(resource) + 1}`;
  return `${place}: ${used}, ${shouldBe}`;
}
