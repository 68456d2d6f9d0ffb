import type { Place, WakeupTable } from '../store.ts';
import type { Database } from './database.ts';

export function wakeupTable(database: Database): WakeupTable {
  return {
    isAny: async () => (await database.get(`select 1 as found from wakeup limit 1`)) !== undefined,
    list: (limit) =>
      database.all<Place>(
        `select scope, resource from wakeup order by scope, resource limit ?`,
        limit,
      ),
    put: ({ scope, resource }) =>
      database.run(
        `insert into wakeup (scope, resource) values (?, ?) on conflict do nothing`,
        scope,
        resource,
      ),
    remove: ({ scope, resource }) =>
      database.run(`delete from wakeup where scope = ? and resource = ?`, scope, resource),
  };
}
