import { hash } from 'node:crypto';
import type { EventRow } from '../store/store.ts';
import type { Context } from './operation.ts';

/** What the entry before the first one would hash to. */
export const GENESIS_HASH = '0'.repeat(64);

export interface Change {
  readonly operation: string;
  /** Public id of the tenant it concerns. */
  readonly tenant: string | null;
  readonly object: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** Appends the one event of a change, in the transaction of the change. */
export async function recordEvent(
  context: Pick<Context, 'tables' | 'caller' | 'now'>,
  change: Change,
): Promise<void> {
  const { tables, caller } = context;
  const head = await tables.events.head();
  const event: Omit<EventRow, 'hash'> = {
    sequence: (head?.sequence ?? 0) + 1,
    time: context.now,
    principal: caller.principal,
    actingAs: caller.actingAs ?? null,
    operation: change.operation,
    tenant: change.tenant,
    object: change.object,
    reason: caller.reason ?? null,
    before: change.before && JSON.stringify(change.before),
    after: change.after && JSON.stringify(change.after),
    traceId: caller.traceId,
    previousHash: head?.hash ?? GENESIS_HASH,
  };
  await tables.events.insert({ ...event, hash: hashOf(event) });
}

/** SHA-256, in hex, of the entry as it is stored, and through `previousHash` of all before it. */
export function hashOf(event: Omit<EventRow, 'hash'>): string {
  const content = [
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
  ];
  return hash('sha256', JSON.stringify(content));
}

/** The first sequence number at which the chain is broken, going on from `previous`. */
export function findBreak(
  previous: { readonly sequence: number; readonly hash: string },
  events: readonly EventRow[],
): number | undefined {
  let { sequence, hash } = previous;
  for (const event of events) {
    sequence += 1;
    const fits = event.sequence === sequence && event.previousHash === hash;
    if (!fits || event.hash !== hashOf(event)) return sequence;
    hash = event.hash;
  }
  return undefined;
}
