import type { QuotaTable } from '../store.ts';
import type { Database } from './database.ts';

export function quotaTable(database: Database): QuotaTable {
  return {
    async insertScope(tenant, now) {
      const row = await database.get<{ id: number }>(
        `insert into scope (tenant, version, updated_at) values (?, 1, ?) returning id`,
        tenant,
        now,
      );
      if (row === undefined) throw new Error('insert into scope returned no row');
      return row.id;
    },

    async scopeOf(tenant) {
      const row = await database.get<{ id: number; version: number; updated_at: number }>(
        `select id, version, updated_at from scope where tenant = ?`,
        tenant,
      );
      return row && { key: row.id, version: row.version, updatedAt: row.updated_at };
    },

    async touch(scope) {
      await database.run(
        `update scope set version = ?, updated_at = ? where id = ?`,
        scope.version,
        scope.updatedAt,
        scope.key,
      );
    },

    async limits(scope) {
      const rows = await database.all<{ resource: number; ceiling: number | null }>(
        `select resource, ceiling from quota where scope = ?`,
        scope,
      );
      return rows.map((row) => ({ resource: row.resource, limit: row.ceiling }));
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
        `select count(*) as limits from quota q join scope s on s.id = q.scope
         join tenant t on t.id = s.tenant where q.resource = ? and t.deleted_at is null`,
        resource,
      );
      return row?.limits ?? 0;
    },
  };
}
