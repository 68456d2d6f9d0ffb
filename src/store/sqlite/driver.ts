import type { Statement } from 'better-sqlite3';
import type { Database, SqlValue } from '../tables/database.ts';
import type { Connection } from './connection.ts';
import { toHodeiError } from './errors.ts';

/** Prepares a statement, or gives it back prepared. */
export type Prepare = (sql: string) => Statement;

/** The statements of one connection, each prepared once and kept. */
export function statementsOf(connection: Connection): Prepare {
  const statements = new Map<string, Statement>();
  return (sql) => {
    const kept = statements.get(sql);
    if (kept !== undefined) return kept;
    const statement = connection.prepare(plannedOnce(sql));
    statements.set(sql, statement);
    return statement;
  };
}

/**
 * SQLite plans with the value of a limit that stands alone, and so prepares the statement again each time
 * it is bound (since 3.46): that takes as long as a short search, and twice as long for one of many columns.
 */
function plannedOnce(sql: string): string {
  return sql.replaceAll('limit ?', 'limit ? + 0');
}

/** What the tables send to one SQLite connection. */
export function sqliteDatabase(prepare: Prepare): Database {
  return {
    get: <Row>(sql: string, ...values: SqlValue[]) =>
      promised(() => prepare(sql).get(...values) as Row | undefined),
    all: <Row>(sql: string, ...values: SqlValue[]) =>
      promised(() => prepare(sql).all(...values) as Row[]),
    run: (sql: string, ...values: SqlValue[]) => promised(() => void prepare(sql).run(...values)),
    each: <Row>(sql: string, sets: readonly (readonly SqlValue[])[]) =>
      promised(() => {
        const statement = prepare(sql);
        return sets.map((values) => statement.get(...values) as Row | undefined);
      }),
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
