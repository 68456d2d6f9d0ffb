import type { RevisionTable } from '../store.ts';
import type { Database } from './database.ts';

export function revisionTable(
  database: Database,
  table: 'settings_revision' | 'policy_revision',
): RevisionTable {
  return {
    async current() {
      const row = await database.get<{ revision: number; applied_at: number; document: string }>(
        `select revision, applied_at, document from ${table} order by revision desc limit 1`,
      );
      return row && { revision: row.revision, appliedAt: row.applied_at, document: row.document };
    },
    insert: ({ revision, appliedAt, document }) =>
      database.run(
        `insert into ${table} (revision, applied_at, document) values (?, ?, ?)`,
        revision,
        appliedAt,
        document,
      ),
  };
}
