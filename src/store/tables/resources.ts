import type { ResourceTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  id: number;
  name: string;
  unit: string;
  default_limit: number | null;
  position: number;
  retired: number;
}

export function resourceTable(database: Database): ResourceTable {
  return {
    async list() {
      const rows = await database.all<Row>(
        `select id, name, unit, default_limit, position, retired from resource`,
      );
      // A few dozen at most, and asked for by every decision: sorted here sooner than there.
      rows.sort((a, b) => a.position - b.position || a.id - b.id);
      return rows.map((row) => ({
        key: row.id,
        name: row.name,
        unit: row.unit,
        defaultLimit: row.default_limit,
        retired: row.retired === 1,
      }));
    },

    async insert(resource, position) {
      await database.run(
        `insert into resource (name, unit, default_limit, position, retired)
         values (?, ?, ?, ?, ?)`,
        resource.name,
        resource.unit,
        resource.defaultLimit,
        position,
        resource.retired ? 1 : 0,
      );
    },

    async update(resource, position) {
      await database.run(
        `update resource set unit = ?, default_limit = ?, position = ?, retired = ? where id = ?`,
        resource.unit,
        resource.defaultLimit,
        position,
        resource.retired ? 1 : 0,
        resource.key,
      );
    },
  };
}
