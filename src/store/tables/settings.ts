import type { SettingsTable } from '../store.ts';
import type { Database } from './database.ts';

export function settingsTable(database: Database): SettingsTable {
  return {
    async current() {
      const row = await database.get<{ revision: number; applied_at: number; document: string }>(
        `select revision, applied_at, document from settings_revision order by revision desc limit 1`,
      );
      return row && { revision: row.revision, appliedAt: row.applied_at, document: row.document };
    },

    async insert(settings) {
      await database.run(
        `insert into settings_revision (revision, applied_at, document) values (?, ?, ?)`,
        settings.revision,
        settings.appliedAt,
        settings.document,
      );
    },
  };
}
