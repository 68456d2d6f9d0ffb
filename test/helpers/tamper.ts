import type Sqlite from 'better-sqlite3';
import { GENESIS_HASH, hashOf } from '../../src/service/event-log.ts';

/** An event as it stands in the file. */
export interface RawEvent {
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

export function rawEvents(file: Sqlite.Database): RawEvent[] {
  return file.prepare('select * from event order by sequence').all() as RawEvent[];
}

/** Makes the table anew, without anything that keeps it sound, and puts these rows in. */
export function replaceEvents(file: Sqlite.Database, events: readonly RawEvent[]): void {
  const columns = Object.keys(events[0] ?? { sequence: 0 });
  file.exec(`drop table event; create table event (${columns.join(', ')})`);
  const marks = columns.map((column) => `@${column}`).join(', ');
  const insert = file.prepare(`insert into event values (${marks})`);
  for (const event of events) insert.run(event);
}

/** Writes what an attacker makes of the events. */
export function rewrite(change: (events: RawEvent[]) => readonly RawEvent[]) {
  return (file: Sqlite.Database) => replaceEvents(file, change(rawEvents(file)));
}

/** The hash of an event as hodei would compute it. */
export function withHash(event: RawEvent): RawEvent {
  const hash = hashOf({
    ...{ sequence: event.sequence, time: event.time, principal: event.principal },
    ...{ actingAs: event.acting_as, operation: event.operation, tenant: event.tenant },
    ...{ object: event.object, reason: event.reason, before: event.before_state },
    ...{ after: event.after_state, traceId: event.trace_id, previousHash: event.previous_hash },
  });
  return { ...event, hash };
}

/** A chain of these events that is in order from a number on, as one who knows how hodei hashes would. */
export function rehashed(events: readonly RawEvent[], from = 1): RawEvent[] {
  const made: RawEvent[] = [];
  for (const event of events) {
    const before = made.at(-1)?.hash ?? GENESIS_HASH;
    const isKept = event.sequence < from;
    made.push(isKept ? event : withHash({ ...event, previous_hash: before }));
  }
  return made;
}

/** The same events with numbers from 1 on, and nothing else changed. */
export function renumbered(events: readonly RawEvent[]): RawEvent[] {
  return events.map((event, i) => ({ ...event, sequence: i + 1 }));
}
