import { expect } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { onFile } from './store.ts';

/** SQLite finds nothing wrong in the file. */
export function requireSound(file: string): void {
  onFile(file, (connection) => {
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(connection.pragma('foreign_key_check')).toEqual([]);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
  });
}

export const TENANTS = 60_000;

/** A database of many megabytes in which every tenant has the same email. */
export async function makeLarge(file: string, email: string): Promise<void> {
  await openSqliteStore({ path: file, create: true, now: () => 0 }).close();
  onFile(file, (connection) => {
    connection
      .prepare(
        `insert into tenant (public_id, name, email, weight, status, version, created_at, updated_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < ${TENANTS})
         select 'tenant-' || i, 'a-tenant-with-a-rather-long-name-' || i, ?, 1, 'active', 1, 0, 0
         from n`,
      )
      .run(email);
    connection.pragma('wal_checkpoint(TRUNCATE)');
  });
}

/** Which emails there are, and how many tenants have each: `ops@a.example 60000`. */
export function emailsIn(file: string): string[] {
  return onFile(file, (connection) => {
    const found = connection.prepare(`select email, count(*) as n from tenant group by email`);
    return (found.all() as { email: string; n: number }[]).map(({ email, n }) => `${email} ${n}`);
  });
}
