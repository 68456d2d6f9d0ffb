import type { RequestKeyTable } from '../store.ts';
import type { Database } from './database.ts';

interface Row {
  principal: string;
  request_key: string;
  request_hash: string;
  job: number;
  created_at: number;
}

export function requestKeyTable(database: Database): RequestKeyTable {
  return {
    async get(principal, requestKey) {
      const row = await database.get<Row>(
        `select principal, request_key, request_hash, job, created_at from request_key
         where principal = ? and request_key = ?`,
        principal,
        requestKey,
      );
      return (
        row && {
          principal,
          requestKey,
          requestHash: row.request_hash,
          job: row.job,
          createdAt: row.created_at,
        }
      );
    },
    async put(row) {
      await database.run(
        `insert into request_key (principal, request_key, request_hash, job, created_at)
         values (?, ?, ?, ?, ?)
         on conflict (principal, request_key) do update
         set request_hash = excluded.request_hash, job = excluded.job,
           created_at = excluded.created_at`,
        row.principal,
        row.requestKey,
        row.requestHash,
        row.job,
        row.createdAt,
      );
    },
    forget: (before, now, limit) => forget(database, before, now, limit),
  };
}

async function forget(
  database: Database,
  before: number,
  now: number,
  limit: number,
): Promise<void> {
  const old = await database.all<{
    principal: string;
    request_key: string;
    ended_at: number | null;
  }>(
    `select k.principal, k.request_key, j.ended_at from request_key k join job j on j.id = k.job
     where k.created_at < ? order by k.created_at limit ?`,
    before,
    limit,
  );
  for (const { principal, request_key: key, ended_at: endedAt } of old) {
    if (endedAt !== null && endedAt < before) {
      await database.run(
        `delete from request_key where principal = ? and request_key = ?`,
        principal,
        key,
      );
    } else {
      await database.run(
        `update request_key set created_at = ? where principal = ? and request_key = ?`,
        now,
        principal,
        key,
      );
    }
  }
}
