import type { Limit } from '../../domain/quota.ts';
import type { NoticeLevel } from '../../domain/quota-notice.ts';
import type {
  BudgetRow,
  FormerParentRow,
  RateRow,
  Place,
  PoolRow,
  ResourceAmount,
  ReservationRow,
  ResourceRow,
  ScopeRow,
  ScopeSubject,
  StandingBurst,
  RevisionRow,
  RevisionTable,
  RollupRow,
  Tables,
  TenantRow,
} from '../store.ts';

/** Beyond so many rows of one kind all of them are forgotten, and read again as they are needed. */
const MOST_ROWS = 10_000;

/** What the writing connection knows of rows that change rarely, and that every decision needs. */
export interface Memory {
  /** The same tables: what was read before is not read again while nobody has changed it. */
  readonly tables: Tables;
  /** A transaction begins, at this version of the data: another one than before was written elsewhere. */
  begin(dataVersion: unknown): void;
  /** Something of the transaction was undone, so that what was read in it may never have been. */
  undone(): void;
  /** The transaction is on the disk. */
  committed(): void;
}

/**
 * Remembers what was read, exactly as long as it is true: until this connection changes such a row,
 * undoes something after it changed one, or SQLite tells of a commit by anybody else. Balances, jobs
 * and events are always read.
 */
export function remember(tables: Tables): Memory {
  const maps: Map<unknown, unknown>[] = [];
  const kept = <Key, Value>() => {
    const map = new Map<Key, Value>();
    maps.push(map);
    return map;
  };
  const forget = () => maps.forEach((map) => map.clear());
  let version: unknown;
  let hasChanged = false;
  const changing = <Args extends unknown[], Result>(
    forgotten: readonly { clear(): void }[],
    write: (...args: Args) => Promise<Result>,
  ) => {
    return (...args: Args): Promise<Result> => {
      hasChanged = true;
      for (const map of forgotten) map.clear();
      return write(...args);
    };
  };
  return {
    tables: rememberingTables(tables, kept, changing),
    begin(dataVersion) {
      if (dataVersion !== version) forget();
      version = dataVersion;
      hasChanged = false;
    },
    undone() {
      if (hasChanged) forget();
    },
    committed: () => void (hasChanged = false),
  };
}

type Kept = <Key, Value>() => Map<Key, Value>;

type Changing = <Args extends unknown[], Result>(
  forgotten: readonly { clear(): void }[],
  write: (...args: Args) => Promise<Result>,
) => (...args: Args) => Promise<Result>;

function rememberingTables(tables: Tables, kept: Kept, changing: Changing): Tables {
  return {
    ...tables,
    settings: rememberingRevisions(tables.settings, kept, changing),
    policies: rememberingRevisions(tables.policies, kept, changing),
    resources: rememberingResources(tables.resources, kept, changing),
    tenants: rememberingTenants(tables.tenants, kept, changing),
    pools: rememberingPools(tables.pools, kept, changing),
    scopes: rememberingScopes(tables.scopes, kept, changing),
    quotas: rememberingQuotas(tables.quotas, kept, changing),
    quotaNotices: rememberingNotices(tables.quotaNotices, kept, changing),
    reservations: rememberingReservations(tables.reservations, kept, changing),
    bursts: rememberingBursts(tables.bursts, kept, changing),
    rollup: rememberingRollup(tables.rollup, kept, changing),
    rates: rememberingRates(tables.rates, kept, changing),
    formerParents: rememberingFormerParents(tables.formerParents, kept, changing),
    budgets: rememberingBudgets(tables.budgets, kept, changing),
  };
}

function rememberingRevisions(table: RevisionTable, kept: Kept, changing: Changing) {
  const current = kept<'current', RevisionRow | undefined>();
  const all = kept<'all', RevisionRow[]>();
  return {
    ...table,
    current: () => recall(current, 'current', table.current),
    list: () => recall(all, 'all', table.list),
    insert: changing([current, all], table.insert),
  };
}

function rememberingResources(table: Tables['resources'], kept: Kept, changing: Changing) {
  const all = kept<'all', ResourceRow[]>();
  return {
    ...table,
    list: () => recall(all, 'all', table.list),
    insert: changing([all], table.insert),
    update: changing([all], table.update),
  };
}

function rememberingTenants(table: Tables['tenants'], kept: Kept, changing: Changing) {
  const byKey = kept<number, TenantRow | undefined>();
  const byName = kept<string, TenantRow | undefined>();
  return {
    ...table,
    byKey: (key: number) => recall(byKey, key, () => table.byKey(key)),
    byName: (name: string) => recall(byName, name, () => table.byName(name)),
    insert: changing([byKey, byName], table.insert),
    update: changing([byKey, byName], table.update),
  };
}

function rememberingPools(table: Tables['pools'], kept: Kept, changing: Changing) {
  const byKey = kept<number, PoolRow | undefined>();
  const byName = kept<string, PoolRow | undefined>();
  const resources = kept<number, ResourceAmount[]>();
  return {
    ...table,
    byKey: (key: number) => recall(byKey, key, () => table.byKey(key)),
    byName: (name: string) => recall(byName, name, () => table.byName(name)),
    resources: (pool: number) => recall(resources, pool, () => table.resources(pool)),
    insert: changing([byKey, byName, resources], table.insert),
    update: changing([byKey, byName, resources], table.update),
    replaceResources: changing([resources], table.replaceResources),
  };
}

function rememberingScopes(table: Tables['scopes'], kept: Kept, changing: Changing) {
  const bySubject = kept<number, ScopeRow | undefined>();
  const nameOf = ({ tenant, pool }: ScopeSubject) => pairOf(tenant ?? 0, pool ?? 0);
  return {
    ...table,
    ofEach: (subjects: readonly ScopeSubject[]) =>
      recallEach(bySubject, subjects, nameOf, table.ofEach),
    insert: changing([bySubject], table.insert),
    touch: changing([bySubject], table.touch),
  };
}

function rememberingQuotas(table: Tables['quotas'], kept: Kept, changing: Changing) {
  const limits = kept<number, Limit | undefined>();
  const nameOf = ({ scope, resource }: Place) => pairOf(scope, resource);
  return {
    ...table,
    limitsAt: (places: readonly Place[]) => recallEach(limits, places, nameOf, table.limitsAt),
    setLimit: changing([limits], table.setLimit),
    unsetLimit: changing([limits], table.unsetLimit),
  };
}

function rememberingNotices(table: Tables['quotaNotices'], kept: Kept, changing: Changing) {
  const levels = kept<number, NoticeLevel | undefined>();
  const nameOf = ({ scope, resource }: Place) => pairOf(scope, resource);
  return {
    ...table,
    levelsAt: (places: readonly Place[]) => recallEach(levels, places, nameOf, table.levelsAt),
    put: changing([levels], table.put),
    remove: changing([levels], table.remove),
  };
}

function rememberingReservations(table: Tables['reservations'], kept: Kept, changing: Changing) {
  const all = kept<'all', ReservationRow[]>();
  return {
    ...table,
    list: () => recall(all, 'all', table.list),
    insert: changing([all], table.insert),
    remove: changing([all], table.remove),
  };
}

function rememberingBursts(table: Tables['bursts'], kept: Kept, changing: Changing) {
  const standing = kept<'standing', StandingBurst[]>();
  return {
    ...table,
    standing: () => recall(standing, 'standing', table.standing),
    insert: changing([standing], table.insert),
    update: changing([standing], table.update),
  };
}

function rememberingRollup(table: Tables['rollup'], kept: Kept, changing: Changing) {
  const only = kept<'only', RollupRow>();
  return {
    get: () => recall(only, 'only', table.get),
    put: changing([only], table.put),
  };
}

function rememberingRates(table: Tables['rates'], kept: Kept, changing: Changing) {
  const all = kept<'all', RateRow[]>();
  return {
    list: () => recall(all, 'all', table.list),
    insert: changing([all], table.insert),
    update: changing([all], table.update),
  };
}

function rememberingFormerParents(table: Tables['formerParents'], kept: Kept, changing: Changing) {
  const all = kept<'all', FormerParentRow[]>();
  return {
    list: () => recall(all, 'all', table.list),
    insert: changing([all], table.insert),
  };
}

function rememberingBudgets(table: Tables['budgets'], kept: Kept, changing: Changing) {
  const any = kept<'any', boolean>();
  const byTenant = kept<number, BudgetRow | undefined>();
  const all = [any, byTenant];
  return {
    ...table,
    isAny: () => recall(any, 'any', table.isAny),
    ofEach: (tenants: readonly number[]) =>
      recallEach(byTenant, tenants, (tenant) => tenant, table.ofEach),
    insert: changing(all, table.insert),
    update: changing(all, table.update),
    remove: changing(all, table.remove),
  };
}

/** Room for the second part of a pair: of pools and resources there are far fewer. */
const PAIR = 1_000_000;

/** One number for two keys, of which none is 0: faster to look up than a text. */
function pairOf(first: number, second: number): number {
  if (second >= PAIR) throw new Error(`a key of ${second} is beyond what a pair has room for`);
  return first * PAIR + second;
}

async function recall<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  read: () => Promise<Value>,
): Promise<Value> {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as Value;
  const value = await read();
  keep(map, key, value);
  return value;
}

async function recallEach<Subject, Key, Value>(
  map: Map<Key, Value>,
  subjects: readonly Subject[],
  nameOf: (subject: Subject) => Key,
  read: (subjects: readonly Subject[]) => Promise<Value[]>,
): Promise<Value[]> {
  const values: Value[] = [];
  const unknown: number[] = [];
  for (const [i, subject] of subjects.entries()) {
    const name = nameOf(subject);
    const known = map.get(name);
    values.push(known as Value);
    if (known === undefined && !map.has(name)) unknown.push(i);
  }
  if (unknown.length === 0) return values;
  const asked = unknown.map((i) => subjects[i] as Subject);
  for (const [n, value] of (await read(asked)).entries()) {
    values[unknown[n] ?? -1] = value;
    keep(map, nameOf(asked[n] as Subject), value);
  }
  return values;
}

function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  if (map.size >= MOST_ROWS) map.clear();
  map.set(key, value);
}
