import type { WakeupTable } from '../store.ts';
import type { Database } from './database.ts';

export function wakeupTable(database: Database): WakeupTable {
  return {
    isAny: async () => (await database.get(`select 1 as found from wakeup limit 1`)) !== undefined,
    async list(limit) {
      const rows = await database.all<{ scope: number; resource: number; after_job: number }>(
        `select scope, resource, after_job from wakeup order by scope, resource limit ?`,
        limit,
      );
      return rows.map((row) => ({
        scope: row.scope,
        resource: row.resource,
        afterJob: row.after_job,
      }));
    },
    async put({ scope, resource, afterJob }) {
      await database.run(
        `insert into wakeup (scope, resource, after_job) values (?, ?, ?)
         on conflict (scope, resource) do update set after_job = excluded.after_job
         where excluded.after_job < wakeup.after_job`,
        scope,
        resource,
        afterJob,
      );
    },
    async remove({ scope, resource }) {
      await database.run(`delete from wakeup where scope = ? and resource = ?`, scope, resource);
    },
  };
}
