import type { RecentUseRow, RecentUseTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  scope: number;
  resource: number;
  amount: number;
  measured_at: number;
}

export function recentUseTable(database: Database): RecentUseTable {
  return {
    async at(places) {
      const rows = await database.each<Row>(
        `select scope, resource, amount, measured_at from recent_use
         where scope = ? and resource = ?`,
        places.map(({ scope, resource }) => [scope, resource]),
      );
      return rows.map((row) => row && toRecentUse(row));
    },
    put: ({ scope, resource, amount, measuredAt }) =>
      database.run(
        `insert into recent_use (scope, resource, amount, measured_at) values (?, ?, ?, ?)
         on conflict (scope, resource) do update
         set amount = excluded.amount, measured_at = excluded.measured_at`,
        scope,
        resource,
        amount,
        measuredAt,
      ),
  };
}

function toRecentUse({ scope, resource, amount, measured_at: measuredAt }: Row): RecentUseRow {
  return { scope, resource, amount, measuredAt };
}
