import type { Connection } from './connection.ts';
import { APPLICATION_ID } from './connection.ts';
import { newerSchema, olderSchema, type Migration } from '../migrate.ts';
import { toHodeiError } from './errors.ts';
import { migrations } from './migrations/index.ts';

export const LATEST_SCHEMA = migrations.at(-1)?.number ?? 0;

const BOOKKEEPING = `create table if not exists migration (
  number integer primary key,
  name text not null,
  applied_at integer not null
) strict`;

/** The schema of an open file; 0 for an empty one. */
export function schemaVersion(connection: Connection): number {
  const exists = connection
    .prepare(`select 1 from sqlite_schema where type = 'table' and name = 'migration'`)
    .get();
  if (exists === undefined) return 0;
  const number = connection.prepare('select max(number) from migration').pluck().get();
  return (number as number | null) ?? 0;
}

/** @throws unavailable when the schema is not the one that this program works with. */
export function requireLatestSchema(connection: Connection): void {
  requireSchema(schemaVersion(connection));
}

/** @throws unavailable when this is not the schema that this program works with. */
export function requireSchema(found: number): void {
  if (found > LATEST_SCHEMA) throw newerSchema(found, LATEST_SCHEMA);
  if (found < LATEST_SCHEMA) throw olderSchema(found, LATEST_SCHEMA);
}

/**
 * Applies what is missing, each step in a transaction of its own; the bookkeeping row comes first,
 * so that of several processes that start at once only one applies a step.
 * @returns the migrations that this call applied.
 */
export function migrate(connection: Connection, now: number): Migration[] {
  try {
    // Mostly nothing is missing, and then nothing is written either.
    if (schemaVersion(connection) === LATEST_SCHEMA) return [];
    return migrations.filter((migration) => applyOnce(connection, migration, now));
  } catch (error) {
    throw toHodeiError(error);
  }
}

function applyOnce(connection: Connection, migration: Migration, now: number): boolean {
  connection.exec('begin immediate');
  try {
    const isDue = recordOnce(connection, migration, now);
    if (isDue) connection.exec(migration.sql);
    connection.exec('commit');
    return isDue;
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  }
}

function recordOnce(connection: Connection, migration: Migration, now: number): boolean {
  connection.pragma(`application_id = ${APPLICATION_ID}`);
  connection.exec(BOOKKEEPING);
  const found = schemaVersion(connection);
  if (found > LATEST_SCHEMA) throw newerSchema(found, LATEST_SCHEMA);
  if (found >= migration.number) return false;
  connection
    .prepare('insert into migration (number, name, applied_at) values (?, ?, ?)')
    .run(migration.number, migration.name, now);
  return true;
}
