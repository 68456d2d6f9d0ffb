import type { Statement } from 'better-sqlite3';
import type { Database, SqlValue } from '../tables/database.ts';
import type { Connection } from './connection.ts';
import { toHodeiError } from './errors.ts';

/** The tables' statements on one SQLite connection: each prepared once and kept. */
export function sqliteDatabase(connection: Connection): Database {
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const kept = statements.get(sql);
    if (kept !== undefined) return kept;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    get: <Row>(sql: string, ...values: SqlValue[]) =>
      promised(() => prepare(sql).get(...values) as Row | undefined),
    all: <Row>(sql: string, ...values: SqlValue[]) =>
      promised(() => prepare(sql).all(...values) as Row[]),
    run: (sql: string, ...values: SqlValue[]) => promised(() => void prepare(sql).run(...values)),
  };
}

/** The interface is asynchronous for the databases that are; SQLite answers at once. */
async function promised<T>(statement: () => T): Promise<T> {
  try {
    return statement();
  } catch (error) {
    throw toHodeiError(error);
  }
}
