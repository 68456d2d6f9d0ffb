import type { NoticeLevel } from '../../domain/quota-notice.ts';
import type { QuotaNoticeTable } from '../store.ts';
import type { Database } from './database.ts';

export function quotaNoticeTable(database: Database): QuotaNoticeTable {
  return {
    async levelsAt(places) {
      const rows = await database.each<{ level: NoticeLevel }>(
        `select level from quota_notice where scope = ? and resource = ?`,
        places.map(({ scope, resource }) => [scope, resource]),
      );
      return rows.map((row) => row?.level);
    },
    put: ({ scope, resource }, level) =>
      database.run(
        `insert into quota_notice (scope, resource, level) values (?, ?, ?)
         on conflict (scope, resource) do update set level = excluded.level`,
        scope,
        resource,
        level,
      ),
    remove: ({ scope, resource }) =>
      database.run(`delete from quota_notice where scope = ? and resource = ?`, scope, resource),
  };
}
