import type { EventFilter, EventRow, EventTable, WantedEvents } from '../store.ts';
import { condition, marks, valuesOf, where, type Database } from './database.ts';
import { subtreeCondition } from './tenants.ts';

interface Row {
  sequence: number;
  time: number;
  principal: string;
  acting_as: string | null;
  operation: string;
  tenant: string | null;
  object: string;
  reason: string | null;
  before_state: string | null;
  after_state: string | null;
  trace_id: string;
  previous_hash: string;
  hash: string;
}

const columns = `sequence, time, principal, acting_as, operation, tenant, object, reason,
  before_state, after_state, trace_id, previous_hash, hash`;

export function eventTable(database: Database): EventTable {
  return {
    head: () =>
      database.get<Pick<EventRow, 'sequence' | 'hash'>>(
        `select sequence, hash from event order by sequence desc limit 1`,
      ),
    first: (since) => first(database, since),
    insert: (event) => insert(database, event),
    list: (filter, before, limit) => list(database, filter, before, limit),
    async following(after, limit) {
      const rows = await database.all<Row>(
        `select ${columns} from event where sequence > ? order by sequence limit ?`,
        after,
        limit,
      );
      return rows.map(toEvent);
    },
    countFollowing: (wanted, limit) => countFollowing(database, wanted, limit),
  };
}

async function countFollowing(
  database: Database,
  { after, until, operations, about }: WantedEvents,
  limit: number,
): Promise<number> {
  const row = await database.get<{ number: number }>(
    `select count(*) as number from (
       select e.sequence from event e
       where e.sequence > ? and e.sequence <= ?
         and (e.operation in (${marks(operations.length)}) or (e.operation = ? and e.object = ?))
       limit ?
     ) wanted`,
    ...[after, until, ...operations, about.operation, about.object, limit],
  );
  return row?.number ?? 0;
}

async function first(database: Database, since: number | undefined): Promise<EventRow | undefined> {
  const conditions = since === undefined ? [] : [condition('time >= ?', since)];
  const row = await database.get<Row>(
    `select ${columns} from event ${where(conditions)} order by sequence limit 1`,
    ...valuesOf(conditions),
  );
  return row === undefined ? undefined : toEvent(row);
}

async function insert(database: Database, event: EventRow): Promise<void> {
  await database.run(
    `insert into event (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    event.sequence,
    event.time,
    event.principal,
    event.actingAs,
    event.operation,
    event.tenant,
    event.object,
    event.reason,
    event.before,
    event.after,
    event.traceId,
    event.previousHash,
    event.hash,
  );
}

async function list(
  database: Database,
  filter: EventFilter,
  before: number | undefined,
  limit: number,
): Promise<EventRow[]> {
  const conditions = [];
  if (filter.tenant !== undefined) conditions.push(condition('tenant = ?', filter.tenant));
  const [within] = subtreeCondition('t.id', filter.within);
  if (within !== undefined) {
    const ids = `select t.public_id from tenant t ${where([within])}`;
    conditions.push(condition(`tenant in (${ids})`, ...within.values));
  }
  if (filter.principal !== undefined) conditions.push(condition('principal = ?', filter.principal));
  if (filter.operations !== undefined) {
    const marks = filter.operations.map(() => '?').join(', ');
    conditions.push(condition(`operation in (${marks})`, ...filter.operations));
  }
  if (filter.since !== undefined) conditions.push(condition('time >= ?', filter.since));
  if (filter.until !== undefined) conditions.push(condition('time < ?', filter.until));
  if (before !== undefined) conditions.push(condition('sequence < ?', before));
  const rows = await database.all<Row>(
    `select ${columns} from event ${where(conditions)} order by sequence desc limit ?`,
    ...valuesOf(conditions),
    limit,
  );
  return rows.map(toEvent);
}

function toEvent(row: Row): EventRow {
  return {
    sequence: row.sequence,
    time: row.time,
    principal: row.principal,
    actingAs: row.acting_as,
    operation: row.operation,
    tenant: row.tenant,
    object: row.object,
    reason: row.reason,
    before: row.before_state,
    after: row.after_state,
    traceId: row.trace_id,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
