import type { NoticeLevel } from '../../domain/quota-notice.ts';
import type { Limit } from '../../domain/quota.ts';
import type {
  BudgetRow,
  FormerParentRow,
  Place,
  PoolRow,
  RateRow,
  ReservationRow,
  ResourceAmount,
  ResourceRow,
  RevisionRow,
  RevisionTable,
  RollupRow,
  ScopeRow,
  ScopeSubject,
  StandingBurst,
  Tables,
  TenantRow,
} from '../store.ts';
import { pairOf, recall, recallEach, type Kept } from './recall.ts';

// The tables whose rows change rarely: each remembers what it has read until it is changed.

export function rememberingTables(tables: Tables, kept: Kept): Tables {
  return {
    ...tables,
    settings: rememberingRevisions(tables.settings, kept),
    policies: rememberingRevisions(tables.policies, kept),
    resources: rememberingResources(tables.resources, kept),
    tenants: rememberingTenants(tables.tenants, kept),
    pools: rememberingPools(tables.pools, kept),
    scopes: rememberingScopes(tables.scopes, kept),
    quotas: rememberingQuotas(tables.quotas, kept),
    quotaNotices: rememberingNotices(tables.quotaNotices, kept),
    reservations: rememberingReservations(tables.reservations, kept),
    bursts: rememberingBursts(tables.bursts, kept),
    rollup: rememberingRollup(tables.rollup, kept),
    rates: rememberingRates(tables.rates, kept),
    formerParents: rememberingFormerParents(tables.formerParents, kept),
    budgets: rememberingBudgets(tables.budgets, kept),
  };
}

function rememberingRevisions(table: RevisionTable, kept: Kept) {
  const current = kept.map<'current', Promise<RevisionRow | undefined>>();
  const all = kept.map<'all', Promise<RevisionRow[]>>();
  return {
    ...table,
    current: () => recall(current, 'current', table.current),
    list: () => recall(all, 'all', table.list),
    insert: kept.changing([current, all], table.insert),
  };
}

function rememberingResources(table: Tables['resources'], kept: Kept) {
  const all = kept.map<'all', Promise<ResourceRow[]>>();
  return {
    ...table,
    list: () => recall(all, 'all', table.list),
    insert: kept.changing([all], table.insert),
    update: kept.changing([all], table.update),
  };
}

function rememberingTenants(table: Tables['tenants'], kept: Kept) {
  const byKey = kept.map<number, Promise<TenantRow | undefined>>();
  const byName = kept.map<string, Promise<TenantRow | undefined>>();
  return {
    ...table,
    byKey: (key: number) => recall(byKey, key, () => table.byKey(key)),
    byName: (name: string) => recall(byName, name, () => table.byName(name)),
    insert: kept.changing([byKey, byName], table.insert),
    update: kept.changing([byKey, byName], table.update),
  };
}

function rememberingPools(table: Tables['pools'], kept: Kept) {
  const byKey = kept.map<number, Promise<PoolRow | undefined>>();
  const byName = kept.map<string, Promise<PoolRow | undefined>>();
  const resources = kept.map<number, Promise<ResourceAmount[]>>();
  return {
    ...table,
    byKey: (key: number) => recall(byKey, key, () => table.byKey(key)),
    byName: (name: string) => recall(byName, name, () => table.byName(name)),
    resources: (pool: number) => recall(resources, pool, () => table.resources(pool)),
    insert: kept.changing([byKey, byName, resources], table.insert),
    update: kept.changing([byKey, byName, resources], table.update),
    replaceResources: kept.changing([resources], table.replaceResources),
  };
}

function rememberingScopes(table: Tables['scopes'], kept: Kept) {
  const bySubject = kept.map<number, ScopeRow | undefined>();
  const nameOf = ({ tenant, pool }: ScopeSubject) => pairOf(tenant ?? 0, pool ?? 0);
  return {
    ...table,
    ofEach: (subjects: readonly ScopeSubject[]) =>
      recallEach(bySubject, subjects, nameOf, table.ofEach),
    insert: kept.changing([bySubject], table.insert),
    touch: kept.changing([bySubject], table.touch),
  };
}

function rememberingQuotas(table: Tables['quotas'], kept: Kept) {
  const limits = kept.map<number, Limit | undefined>();
  const nameOf = ({ scope, resource }: Place) => pairOf(scope, resource);
  return {
    ...table,
    limitsAt: (places: readonly Place[]) => recallEach(limits, places, nameOf, table.limitsAt),
    setLimit: kept.changing([limits], table.setLimit),
    unsetLimit: kept.changing([limits], table.unsetLimit),
  };
}

function rememberingNotices(table: Tables['quotaNotices'], kept: Kept) {
  const levels = kept.map<number, NoticeLevel | undefined>();
  const nameOf = ({ scope, resource }: Place) => pairOf(scope, resource);
  return {
    ...table,
    levelsAt: (places: readonly Place[]) => recallEach(levels, places, nameOf, table.levelsAt),
    put: kept.changing([levels], table.put),
    remove: kept.changing([levels], table.remove),
  };
}

function rememberingReservations(table: Tables['reservations'], kept: Kept) {
  const all = kept.map<'all', Promise<ReservationRow[]>>();
  return {
    ...table,
    list: () => recall(all, 'all', table.list),
    insert: kept.changing([all], table.insert),
    remove: kept.changing([all], table.remove),
  };
}

function rememberingBursts(table: Tables['bursts'], kept: Kept) {
  const standing = kept.map<'standing', Promise<StandingBurst[]>>();
  return {
    ...table,
    standing: () => recall(standing, 'standing', table.standing),
    insert: kept.changing([standing], table.insert),
    update: kept.changing([standing], table.update),
  };
}

function rememberingRollup(table: Tables['rollup'], kept: Kept) {
  const only = kept.map<'only', Promise<RollupRow>>();
  return {
    get: () => recall(only, 'only', table.get),
    put: kept.changing([only], table.put),
  };
}

function rememberingRates(table: Tables['rates'], kept: Kept) {
  const all = kept.map<'all', Promise<RateRow[]>>();
  return {
    list: () => recall(all, 'all', table.list),
    insert: kept.changing([all], table.insert),
    update: kept.changing([all], table.update),
  };
}

function rememberingFormerParents(table: Tables['formerParents'], kept: Kept) {
  const all = kept.map<'all', Promise<FormerParentRow[]>>();
  return {
    list: () => recall(all, 'all', table.list),
    insert: kept.changing([all], table.insert),
  };
}

function rememberingBudgets(table: Tables['budgets'], kept: Kept) {
  const any = kept.map<'any', Promise<boolean>>();
  const byTenant = kept.map<number, BudgetRow | undefined>();
  const all = [any, byTenant];
  return {
    ...table,
    isAny: () => recall(any, 'any', table.isAny),
    ofEach: (tenants: readonly number[]) =>
      recallEach(byTenant, tenants, (tenant) => tenant, table.ofEach),
    insert: kept.changing(all, table.insert),
    update: kept.changing(all, table.update),
    remove: kept.changing(all, table.remove),
  };
}
