import type { WebhookRow, WebhookTable } from '../store.ts';
import { condition, valuesOf, where, type Database } from './database.ts';

interface Row {
  id: number;
  name: string;
  url: string;
  kinds: string;
  sequence: number;
  failures: number;
  last_error: string | null;
  last_attempt_at: number | null;
  last_attempt_ms: number | null;
  next_attempt_at: number | null;
  delivered_at: number | null;
  delivered_sequence: number | null;
  created_at: number;
}

const columns = `id, name, url, kinds, sequence, failures, last_error, last_attempt_at,
  last_attempt_ms, next_attempt_at, delivered_at, delivered_sequence, created_at`;

export function webhookTable(database: Database): WebhookTable {
  return {
    insert: (webhook) => insert(database, webhook),
    update: (webhook) => update(database, webhook),
    remove: (key) => database.run(`delete from webhook where id = ?`, key),
    async byName(name) {
      const row = await database.get<Row>(`select ${columns} from webhook where name = ?`, name);
      return row && toWebhook(row);
    },
    async list(after, limit) {
      const conditions = after === undefined ? [] : [condition('name > ?', after)];
      const rows = await database.all<Row>(
        `select ${columns} from webhook ${where(conditions)} order by name limit ?`,
        ...valuesOf(conditions),
        limit,
      );
      return rows.map(toWebhook);
    },
  };
}

async function insert(database: Database, webhook: Omit<WebhookRow, 'key'>): Promise<void> {
  await database.run(
    `insert into webhook (name, url, kinds, sequence, failures, last_error, last_attempt_at,
       last_attempt_ms, next_attempt_at, delivered_at, delivered_sequence, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    webhook.name,
    webhook.url,
    JSON.stringify(webhook.kinds),
    webhook.sequence,
    webhook.failures,
    webhook.lastError,
    webhook.lastAttemptAt,
    webhook.lastAttemptMs,
    webhook.nextAttemptAt,
    webhook.deliveredAt,
    webhook.deliveredSequence,
    webhook.createdAt,
  );
}

async function update(database: Database, webhook: WebhookRow): Promise<void> {
  await database.run(
    `update webhook set url = ?, kinds = ?, sequence = ?, failures = ?, last_error = ?,
       last_attempt_at = ?, last_attempt_ms = ?, next_attempt_at = ?, delivered_at = ?,
       delivered_sequence = ?
     where id = ?`,
    webhook.url,
    JSON.stringify(webhook.kinds),
    webhook.sequence,
    webhook.failures,
    webhook.lastError,
    webhook.lastAttemptAt,
    webhook.lastAttemptMs,
    webhook.nextAttemptAt,
    webhook.deliveredAt,
    webhook.deliveredSequence,
    webhook.key,
  );
}

function toWebhook(row: Row): WebhookRow {
  return {
    key: row.id,
    name: row.name,
    url: row.url,
    kinds: JSON.parse(row.kinds) as string[],
    sequence: row.sequence,
    failures: row.failures,
    lastError: row.last_error,
    lastAttemptAt: row.last_attempt_at,
    lastAttemptMs: row.last_attempt_ms,
    nextAttemptAt: row.next_attempt_at,
    deliveredAt: row.delivered_at,
    deliveredSequence: row.delivered_sequence,
    createdAt: row.created_at,
  };
}
