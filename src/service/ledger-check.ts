import { databaseError } from '../domain/errors.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import type { Key, LiveSum, ScopeSubject, SubjectUse, Tables } from '../store/store.ts';
import {
  addTo,
  openSubtreeSums,
  pagesOfLinks,
  type Holding,
  type SubtreeSums,
} from './subtree-sums.ts';

/** A balance that the admitted jobs do not explain. */
export interface Difference extends ScopeSubject {
  readonly resource: Key;
  /** What the ledger says; 0 where it says nothing. */
  readonly used: number;
  /** What the jobs hold. */
  readonly shouldBe: number;
}

export interface LedgerCheck {
  /** Balances that there are, and that there should be. */
  readonly balances: number;
  /** Admitted jobs. */
  readonly jobs: number;
  /** Balances and jobs that were read. */
  readonly rows: number;
  readonly differences: number;
}

/** Hears of each difference; what it writes to this balance is not looked at again. */
export type Hear = (difference: Difference) => Promise<void>;

/** Tenants whose jobs and balances are in memory at one time. */
const TENANTS_AT_ONCE = 1_000;

/**
 * Adds up what admitted jobs hold, for their tenants and all above these as the tree is now, and
 * compares it with every balance. The memory it takes grows with the tenants that have others below
 * them, and not with all tenants, jobs and balances: the others are looked at page by page.
 */
export async function checkLedger(tables: Tables, hear: Hear): Promise<LedgerCheck> {
  const sums = await openSubtreeSums(tables);
  const comparison = compareWith(tables, hear);
  const pools: Holding = new Map();
  let jobs = 0;
  for await (const links of pagesOfLinks(tables, TENANTS_AT_ONCE)) {
    const keys = links.map(({ key }) => key);
    jobs += await tables.jobs.countAdmitted(keys);
    const held = holdingsOf(await tables.jobs.liveSums(keys));
    for (const holding of held.values()) addToPools(pools, holding);
    for (const { key, parent } of links) {
      if (sums.isAbove(key)) sums.place({ key, parent });
      const holding = held.get(key);
      if (holding !== undefined) chargeLine(sums, key, parent, holding);
    }
    const leaves = keys.filter((key) => !sums.isAbove(key));
    await comparison.tenants(leaves, (key) => held.get(key));
  }
  const inner = sums.rollUp();
  for (let start = 0; start < inner.length; start += TENANTS_AT_ONCE) {
    await comparison.tenants(inner.slice(start, start + TENANTS_AT_ONCE), (key) => sums.of(key));
  }
  await comparison.pools(pools);
  const { read, missing, differences } = comparison.counted();
  return { balances: read + missing, jobs, rows: read + jobs, differences };
}

/** By tenant what its own jobs hold, in pools and everywhere. */
function holdingsOf(sums: readonly LiveSum[]): Map<Key, Holding> {
  const holdings = new Map<Key, Holding>();
  for (const { tenant, pool, resource, amount } of sums) {
    const holding = holdings.get(tenant) ?? new Map<Key | null, Map<Key, number>>();
    holdings.set(tenant, holding);
    addTo(holding, pool, resource, amount);
    addTo(holding, null, resource, amount);
  }
  return holdings;
}

function addToPools(pools: Holding, holding: Holding): void {
  for (const [pool, amounts] of holding) {
    if (pool === null) continue;
    for (const [resource, amount] of amounts) addTo(pools, pool, resource, amount);
  }
}

/** Charges the nearest tenant that is kept; from there it is rolled up. */
function chargeLine(sums: SubtreeSums, key: Key, parent: Key | null, holding: Holding): void {
  if (sums.isAbove(key)) sums.add(key, holding);
  else if (parent !== null) sums.add(parent, holding);
}

/** Compares balances with what they should be, and counts. Holdings are used up by it. */
function compareWith(tables: Tables, hear: Hear) {
  const counts = { read: 0, missing: 0, differences: 0 };
  const compare = async (tenant: Key | null, uses: readonly SubjectUse[], holding: Holding) => {
    const wrong = wrongAmong(tenant, uses, holding);
    const missing = missingOf(tenant, holding);
    counts.read += uses.length;
    counts.missing += missing.length;
    counts.differences += wrong.length + missing.length;
    for (const difference of [...wrong, ...missing]) await hear(requirePossible(difference));
  };
  return {
    async tenants(keys: readonly Key[], holdingOf: (key: Key) => Holding | undefined) {
      if (keys.length === 0) return;
      const uses = byTenant(await tables.balances.ofTenants(keys));
      for (const key of keys) {
        await compare(key, uses.get(key) ?? [], holdingOf(key) ?? new Map<never, never>());
      }
    },
    pools: async (holding: Holding) => compare(null, await tables.balances.ofPools(), holding),
    counted: () => counts,
  };
}

/** Takes what has a balance out of the holding. */
function wrongAmong(
  tenant: Key | null,
  uses: readonly SubjectUse[],
  holding: Holding,
): Difference[] {
  const wrong: Difference[] = [];
  for (const { pool, resource, used } of uses) {
    const amounts = holding.get(pool);
    const shouldBe = amounts?.get(resource) ?? 0;
    amounts?.delete(resource);
    if (used !== shouldBe) wrong.push({ tenant, pool, resource, used, shouldBe });
  }
  return wrong;
}

/** What is left of the holding has no balance. */
function missingOf(tenant: Key | null, holding: Holding): Difference[] {
  return [...holding].flatMap(([pool, amounts]) =>
    [...amounts].map(([resource, shouldBe]) => ({ tenant, pool, resource, used: 0, shouldBe })),
  );
}

function byTenant(uses: readonly SubjectUse[]): Map<Key | null, SubjectUse[]> {
  const groups = new Map<Key | null, SubjectUse[]>();
  for (const use of uses) {
    const group = groups.get(use.tenant);
    if (group === undefined) groups.set(use.tenant, [use]);
    else group.push(use);
  }
  return groups;
}

/** @throws database when jobs hold more than can be counted, so that the sum is not exact. */
function requirePossible(difference: Difference): Difference {
  if (difference.shouldBe <= MAX_AMOUNT) return difference;
  throw databaseError('live jobs hold more of a resource than 2^53-1', {
    hint: 'Something other than hodei changed them.',
  });
}
