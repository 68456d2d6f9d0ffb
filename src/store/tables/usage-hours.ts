import type { UsageHourRow, UsageHourTable } from '../store.ts';
import { condition, marks, valuesOf, where, type Database } from './database.ts';

/** One statement adds so many rows; the text of one with more would take longer to read than to do. */
const ADDED_AT_ONCE = 50;

/** The sum of numbers in two digits, in two digits again; PostgreSQL would make a numeric of it. */
const digits = `cast(sum(high) as bigint) + cast(sum(low) as bigint) / 4294967296 as high,
  cast(sum(low) as bigint) % 4294967296 as low`;

export function usageHourTable(database: Database): UsageHourTable {
  return {
    async add(rows) {
      for (let i = 0; i < rows.length; i += ADDED_AT_ONCE) {
        await add(database, rows.slice(i, i + ADDED_AT_ONCE));
      }
    },
    async sums(from, to, tenant) {
      const conditions = [
        condition('begins_at >= ? and begins_at < ?', from, to),
        ...(tenant === undefined ? [] : [condition('tenant = ?', tenant)]),
      ];
      const rows = await database.all<SumRow>(
        `select tenant, pool, resource, is_burst, ${digits} from usage_hour
         ${where(conditions)} group by tenant, pool, resource, is_burst`,
        ...valuesOf(conditions),
      );
      return rows.map(({ is_burst, ...rest }) => ({ ...rest, isBurst: is_burst === 1 }));
    },
    async series(tenants, resource, pool, from, to) {
      const conditions = [
        ...(tenants === null
          ? []
          : [condition(`tenant in (${marks(tenants.length)})`, ...tenants)]),
        condition('begins_at >= ? and begins_at < ?', from, to),
        condition('resource = ?', resource),
        ...(pool === null ? [] : [condition('pool = ?', pool)]),
      ];
      const rows = await database.all<{ begins_at: number; high: number; low: number }>(
        `select begins_at, ${digits} from usage_hour ${where(conditions)}
         group by begins_at order by begins_at`,
        ...valuesOf(conditions),
      );
      return rows.map(({ begins_at, ...rest }) => ({ ...rest, beginsAt: begins_at }));
    },
  };
}

interface SumRow {
  tenant: number;
  pool: number;
  resource: number;
  is_burst: number;
  high: number;
  low: number;
}

async function add(database: Database, rows: readonly UsageHourRow[]): Promise<void> {
  const values = rows.map(() => '(?, ?, ?, ?, ?, ?, ?)').join(', ');
  await database.run(
    `insert into usage_hour (begins_at, tenant, pool, resource, is_burst, high, low)
     values ${values}
     on conflict (begins_at, tenant, pool, resource, is_burst) do update set
       high = usage_hour.high + excluded.high + (usage_hour.low + excluded.low) / 4294967296,
       low = (usage_hour.low + excluded.low) % 4294967296`,
    ...rows.flatMap(({ beginsAt, tenant, pool, resource, isBurst, high, low }) => {
      return [beginsAt, tenant, pool, resource, isBurst ? 1 : 0, high, low];
    }),
  );
}
