import type { ReservationRow, ReservationTable } from '../store.ts';
import type { Database } from './database.ts';

export function reservationTable(database: Database): ReservationTable {
  return {
    list: () =>
      database.all<ReservationRow>(
        `select pool, scope, resource, job, amount from reservation
         order by pool, scope, resource`,
      ),
    insert: ({ pool, scope, resource, job, amount }) =>
      database.run(
        `insert into reservation (pool, scope, resource, job, amount) values (?, ?, ?, ?, ?)`,
        pool,
        scope,
        resource,
        job,
        amount,
      ),
    remove: (job) => database.run(`delete from reservation where job = ?`, job),
  };
}
