import type { ClockTable } from '../store.ts';
import type { Database } from './database.ts';

export function clockTable(database: Database): ClockTable {
  return {
    async get() {
      const row = await database.get<{ boot: string; offset_ms: number }>(
        `select boot, offset_ms from clock where id = 1`,
      );
      return row && { boot: row.boot, offset: row.offset_ms };
    },
    async put({ boot, offset }) {
      await database.run(
        `insert into clock (id, boot, offset_ms) values (1, ?, ?)
         on conflict (id) do update set boot = excluded.boot, offset_ms = excluded.offset_ms`,
        boot,
        offset,
      );
    },
  };
}
