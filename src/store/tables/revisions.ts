import type { RevisionRow, RevisionTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  revision: number;
  applied_at: number;
  document: string;
}

function toRevision({ revision, applied_at: appliedAt, document }: Row): RevisionRow {
  return { revision, appliedAt, document };
}

export function revisionTable(
  database: Database,
  table: 'settings_revision' | 'policy_revision',
): RevisionTable {
  return {
    async current() {
      const row = await database.get<Row>(
        `select revision, applied_at, document from ${table} order by revision desc limit 1`,
      );
      return row && toRevision(row);
    },
    async list() {
      const rows = await database.all<Row>(
        `select revision, applied_at, document from ${table} order by revision`,
      );
      return rows.map(toRevision);
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
