import type { RateTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  id: number;
  resource: number | null;
  pool: number | null;
  begins_at: number;
  price: number | null;
}

export function rateTable(database: Database): RateTable {
  return {
    async list() {
      const rows = await database.all<Row>(
        `select id, resource, pool, begins_at, price from rate order by begins_at, id`,
      );
      return rows.map(({ id, begins_at, ...rest }) => ({ ...rest, key: id, beginsAt: begins_at }));
    },
    insert: ({ resource, pool, beginsAt, price }) =>
      database.run(
        `insert into rate (resource, pool, begins_at, price) values (?, ?, ?, ?)`,
        ...[resource, pool, beginsAt, price],
      ),
    update: (key, price) => database.run(`update rate set price = ? where id = ?`, price, key),
  };
}
