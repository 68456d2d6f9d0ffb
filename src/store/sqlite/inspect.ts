import { statSync } from 'node:fs';
import { openConnection, sqliteVersion, type Connection } from './connection.ts';
import { toHodeiError } from './errors.ts';
import { LATEST_SCHEMA, schemaVersion } from './migrate.ts';

/** What a database file is and holds, without its contents. */
export interface DatabaseFacts {
  readonly bytes: number;
  readonly walBytes: number;
  readonly schema: number;
  /** The newest schema that this program knows. */
  readonly schemaKnown: number;
  readonly sqlite: string;
  readonly tenants: number;
  readonly events: number;
  /** Null before any settings were put in force. */
  readonly settingsRevision: number | null;
}

/** Looks at a database, also at one whose schema is older or newer than this program's. */
export function inspect(path: string): DatabaseFacts {
  return onConnection(path, 'read', (connection) => ({
    bytes: sizeOf(path),
    walBytes: sizeOf(`${path}-wal`),
    schema: schemaVersion(connection),
    schemaKnown: LATEST_SCHEMA,
    sqlite: sqliteVersion(connection),
    tenants: number(connection, 'select count(*) from tenant where deleted_at is null') ?? 0,
    // Their numbers have no gaps, so that nothing needs to be counted.
    events: number(connection, 'select max(sequence) - min(sequence) + 1 from event') ?? 0,
    settingsRevision: number(connection, 'select max(revision) from settings_revision'),
  }));
}

/** The schema since which there are tokens. */
const TOKENS_SINCE = 4;

/** Whether there has ever been a token. */
export function hasTokens(path: string): boolean {
  return onConnection(path, 'read', (connection) => {
    if (schemaVersion(connection) < TOKENS_SINCE) return false;
    return number(connection, 'select exists (select 1 from token)') === 1;
  });
}

/** How a new connection that writes is set up, as SQLite itself says. */
export interface Durability {
  readonly journal: string;
  readonly synchronous: number;
  readonly foreignKeys: number;
}

export function durabilityOf(path: string): Durability {
  return onConnection(path, 'write', (connection) => ({
    journal: connection.pragma('journal_mode', { simple: true }) as string,
    synchronous: connection.pragma('synchronous', { simple: true }) as number,
    foreignKeys: connection.pragma('foreign_keys', { simple: true }) as number,
  }));
}

/** What is wrong with the file, page by page and index by index; nothing when all is well. */
export function damageOf(path: string): string[] {
  return onConnection(path, 'read', (connection) => {
    const found = connection.pragma('integrity_check') as { integrity_check: string }[];
    const orphans = connection.pragma('foreign_key_check') as {
      table: string;
      rowid: number | null;
    }[];
    return [
      ...found.flatMap(({ integrity_check: text }) => text.split('\n')).filter(isProblem),
      ...orphans.map(({ table, rowid }) => `row ${rowid ?? '?'} of ${table} refers to nothing`),
    ];
  });
}

function isProblem(line: string): boolean {
  return line !== 'ok' && !line.startsWith('*** in database');
}

function onConnection<T>(
  path: string,
  access: 'read' | 'write',
  look: (connection: Connection) => T,
): T {
  const connection = openConnection(path, access);
  try {
    return look(connection);
  } catch (error) {
    throw toHodeiError(error);
  } finally {
    connection.close();
  }
}

function number(connection: Connection, sql: string): number | null {
  return connection.prepare(sql).pluck().get() as number | null;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
