import type {
  BalanceTable,
  Key,
  ResourceAmount,
  ResourceUse,
  ScopeUse,
  SubjectUse,
  TenantUse,
  UseFilter,
  UseRank,
} from '../store.ts';
import { condition, marks, valuesOf, where, type Condition, type Database } from './database.ts';
import { tenantConditions } from './tenants.ts';

/** Where the measure of fullness ends, so that JavaScript reads it exactly: also "any use of nothing". */
const FULLEST = 9007199254740991;

export function balanceTable(database: Database): BalanceTable {
  return {
    async usedAt(places) {
      const rows = await database.each<{ used: number }>(
        `select used from balance where scope = ? and resource = ?`,
        places.map(({ scope, resource }) => [scope, resource]),
      );
      return rows.map((row) => row?.used);
    },
    used: async (scopes) =>
      scopes.length === 0
        ? []
        : database.all<ScopeUse>(
            `select scope, resource, used from balance where scope in (${marks(scopes.length)})`,
            ...scopes,
          ),
    insert: (scope, resource, used) =>
      database.run(
        `insert into balance (scope, resource, used) values (?, ?, ?)`,
        scope,
        resource,
        used,
      ),
    add: (scopes, charges) => add(database, scopes, charges),
    set: (scope, resource, used) =>
      database.run(
        `insert into balance (scope, resource, used) values (?, ?, ?)
         on conflict (scope, resource) do update set used = excluded.used`,
        scope,
        resource,
        used,
      ),
    heaviest: (parent, pool, resource, limit) => heaviest(database, parent, pool, resource, limit),
    heaviestWithin: (...asked) => heaviestWithin(database, ...asked),
    ofTenants: (tenants) =>
      database.all<SubjectUse>(
        `select s.tenant, s.pool, b.resource, b.used
         from scope s join balance b on b.scope = s.id
         where s.tenant in (${marks(tenants.length)})`,
        ...tenants,
      ),
    ofChildren: (parent, pool) =>
      database.all<ResourceUse>(
        `select b.resource, cast(sum(b.used) as bigint) as used
         from tenant t join scope s on s.tenant = t.id join balance b on b.scope = s.id
         where t.parent = ? and t.deleted_at is null and s.pool = ? group by b.resource`,
        parent,
        pool,
      ),
    ofPools: () =>
      database.all<SubjectUse>(
        `select s.tenant, s.pool, b.resource, b.used
         from scope s join balance b on b.scope = s.id
         where s.tenant is null and s.pool is not null`,
      ),
    fullest: (filter, after, limit) => fullest(database, filter, after, limit),
  };
}

const additions = new Map<string, string>();

/** A text for each number of scopes and resources: to write it anew takes longer than to look it up. */
function addition(scopes: number, resources: number): string {
  const size = `${scopes} ${resources}`;
  const known = additions.get(size);
  if (known !== undefined) return known;
  const cases = Array.from({ length: resources }, () => 'when ? then ?').join(' ');
  const sql = `update balance set used = used + case resource ${cases} else 0 end
     where scope in (${marks(scopes)}) and resource in (${marks(resources)})`;
  additions.set(size, sql);
  return sql;
}

/** All of them in one statement: of one for each, most would go into beginning and ending it. */
async function add(
  database: Database,
  scopes: readonly Key[],
  charges: readonly ResourceAmount[],
): Promise<void> {
  await database.run(
    addition(scopes.length, charges.length),
    ...charges.flatMap(({ resource, amount }) => [resource, amount]),
    ...scopes,
    ...charges.map(({ resource }) => resource),
  );
}

/**
 * The fullness of a tenant is that of its fullest resource, used ÷ limit in thousandths, rounded
 * down. Products stay below 1000 × 2^53, which a 64-bit integer holds.
 */
async function fullest(
  database: Database,
  filter: UseFilter,
  after: UseRank | undefined,
  limit: number,
): Promise<UseRank[]> {
  const used = [
    ...tenantConditions(filter.tenants),
    condition('b.used > 0'),
    // What a tenant uses in one pool is part of what it uses.
    condition('s.pool is null'),
    condition('r.retired = 0'),
  ];
  if (filter.overPercent !== undefined) {
    // SQLite's driver binds every number as a float, and a product with one would be rounded.
    const beyond = 'b.used * 100 > ceilings.ceiling * cast(? as bigint)';
    used.push(condition(beyond, filter.overPercent));
  }
  const page = pageAfter(after);
  return database.all<UseRank>(
    `select tenant, permille from (
       select t.id as tenant, max(case
           when ceilings.ceiling is null then 0
           when ceilings.ceiling = 0 then ${FULLEST}
           when b.used / ceilings.ceiling >= ${Math.trunc(FULLEST / 1000)} then ${FULLEST}
           else b.used * 1000 / ceilings.ceiling end) as permille
       from balance b
       join scope s on s.id = b.scope
       join tenant t on t.id = s.tenant
       join resource r on r.id = b.resource
       join (${ceilings}) ceilings on ceilings.scope = b.scope and ceilings.resource = b.resource
       ${where(used)}
       group by t.id
     ) ranked
     ${where(page)}
     order by permille desc, tenant limit ?`,
    ...valuesOf(used),
    ...valuesOf(page),
    limit,
  );
}

/** The limit in force for every balance: the tenant's own, else the resource's default. */
const ceilings = `
  select x.scope, x.resource,
    case when q.scope is null then d.default_limit else q.ceiling end as ceiling
  from balance x
  join resource d on d.id = x.resource
  left join quota q on q.scope = x.scope and q.resource = x.resource`;

function pageAfter(after: UseRank | undefined): Condition[] {
  if (after === undefined) return [];
  return [
    condition(
      '(permille < ? or (permille = ? and tenant > ?))',
      after.permille,
      after.permille,
      after.tenant,
    ),
  ];
}

async function heaviest(
  database: Database,
  parent: Key | null,
  pool: Key | null,
  resource: Key,
  limit: number,
): Promise<TenantUse[]> {
  const conditions = [
    parent === null ? condition('t.parent is null') : condition('t.parent = ?', parent),
    pool === null ? condition('s.pool is null') : condition('s.pool = ?', pool),
    condition('t.deleted_at is null and b.used > 0 and b.resource = ?', resource),
  ];
  return database.all<TenantUse>(
    `select t.id as tenant, b.used as used
     from tenant t join scope s on s.tenant = t.id join balance b on b.scope = s.id
     ${where(conditions)} order by b.used desc, t.id limit ?`,
    ...valuesOf(conditions),
    limit,
  );
}

/** By key and not by use, for which there is no index: so that it costs no more than the scopes between. */
function heaviestWithin(
  database: Database,
  after: Key,
  to: Key,
  resource: Key,
  limit: number,
): Promise<TenantUse[]> {
  return database.all<TenantUse>(
    `select s.tenant, b.used from scope s join balance b on b.scope = s.id and b.resource = ?
     where s.id > ? and s.id <= ? and s.tenant is not null and s.pool is null and b.used > 0
     order by b.used desc, s.tenant limit ?`,
    resource,
    after,
    to,
    limit,
  );
}
