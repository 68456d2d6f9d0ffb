import type { FormerParentTable } from '../store.ts';
import type { Database } from './database.ts';

export function formerParentTable(database: Database): FormerParentTable {
  return {
    async list() {
      const rows = await database.all<{ tenant: number; until_at: number; parent: number | null }>(
        `select tenant, until_at, parent from former_parent order by tenant, until_at`,
      );
      return rows.map(({ until_at, ...rest }) => ({ ...rest, untilAt: until_at }));
    },
    insert: ({ tenant, untilAt, parent }) =>
      database.run(
        `insert into former_parent (tenant, until_at, parent) values (?, ?, ?)
         on conflict (tenant, until_at) do nothing`,
        ...[tenant, untilAt, parent],
      ),
  };
}
