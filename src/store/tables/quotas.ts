import type { Key, QuotaTable, ResourceLimit, ScopeLimit } from '../store.ts';
import { marks, type Database } from './database.ts';

export function quotaTable(database: Database): QuotaTable {
  return {
    async limitsAt(places) {
      const rows = await database.each<{ ceiling: number | null }>(
        `select ceiling from quota where scope = ? and resource = ?`,
        places.map(({ scope, resource }) => [scope, resource]),
      );
      return rows.map((row) => row?.ceiling);
    },

    async limits(scopes) {
      if (scopes.length === 0) return [];
      const rows = await database.all<{ scope: number; resource: number; ceiling: number | null }>(
        `select scope, resource, ceiling from quota where scope in (${marks(scopes.length)})`,
        ...scopes,
      );
      return rows.map(({ scope, resource, ceiling }): ScopeLimit => ({
        scope,
        resource,
        limit: ceiling,
      }));
    },

    async setLimit(scope, resource, limit) {
      await database.run(
        `insert into quota (scope, resource, ceiling) values (?, ?, ?)
         on conflict (scope, resource) do update set ceiling = excluded.ceiling`,
        scope,
        resource,
        limit,
      );
    },

    async unsetLimit(scope, resource) {
      await database.run(`delete from quota where scope = ? and resource = ?`, scope, resource);
    },

    async countLimits(resource) {
      const row = await database.get<{ limits: number }>(
        `select count(distinct t.id) as limits from quota q join scope s on s.id = q.scope
         join tenant t on t.id = s.tenant where q.resource = ? and t.deleted_at is null`,
        resource,
      );
      return row?.limits ?? 0;
    },

    promised: (pool) => promised(database, pool),
  };
}

/**
 * Roots only: what is below a root is part of it. The limit in the pool counts where there is one,
 * else the general one, else the resource's default. A sum beyond 2^53-1 is as good as unlimited.
 */
async function promised(database: Database, pool: Key): Promise<ResourceLimit[]> {
  const rows = await database.all<{ resource: number; limit_sum: number | null }>(
    `select r.id as resource,
       case when sum(case when g.ceiling is null then 1 else 0 end) > 0 then null
         when sum(g.ceiling) > 9007199254740991 then null
         else sum(g.ceiling) end as limit_sum
     from resource r
     join (
       select d.id as resource,
         case when i.scope is not null then i.ceiling
           when o.scope is not null then o.ceiling
           else d.default_limit end as ceiling
       from tenant t
       join resource d on d.retired = 0
       join scope e on e.tenant = t.id and e.pool is null
       left join quota o on o.scope = e.id and o.resource = d.id
       left join scope n on n.tenant = t.id and n.pool = ?
       left join quota i on i.scope = n.id and i.resource = d.id
       where t.parent is null and t.deleted_at is null
     ) g on g.resource = r.id
     group by r.id`,
    pool,
  );
  return rows.map(({ resource, limit_sum: limit }) => ({ resource, limit }));
}
