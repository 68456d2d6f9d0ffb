import { hash } from 'node:crypto';
import { invalid } from '../domain/errors.ts';
import type { EventName } from '../domain/event-names.ts';
import type { EventRow, Tables } from '../store/store.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

/** What the entry before the first one would hash to. */
export const GENESIS_HASH = '0'.repeat(64);

export interface Change {
  readonly operation: EventName;
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
  if (caller.reason === undefined && caller.dryRun !== true) {
    await requireOptionalReason(tables, change.operation);
  }
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
  await tables.events.insert({ hash: hashOf(event), ...event });
}

/** @throws invalid where the change is one that nobody makes without saying why. */
async function requireOptionalReason(tables: Tables, name: EventName): Promise<void> {
  // Before there are any settings, nothing is required.
  if ((await tables.settings.current()) === undefined) return;
  if (!(await settingsInForce(tables)).requireReason.includes(name)) return;
  throw invalid(
    `${name} wants a reason here.`,
    'Say why: --reason TEXT at a terminal, reason=… in the query of a request.',
  );
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

/** A place in the chain: an event, and through its hash everything before it. */
export type ChainPlace = Pick<EventRow, 'sequence' | 'hash'>;

/** The place before the first event. */
export const chainStart: ChainPlace = { sequence: 0, hash: GENESIS_HASH };

/** Why a chain is broken at an event. */
export const breakReasons = ['changed', 'missing', 'repeated', 'unlinked'] as const;

export interface ChainBreak {
  readonly sequence: number;
  /**
   * Its content is not what was hashed, it is not there, its number is there twice, or it was
   * written behind another event than the one that stands before it.
   */
  readonly why: (typeof breakReasons)[number];
}

/** The first place at which the chain is broken, going on from `previous`. */
export function findBreak(
  previous: ChainPlace,
  events: readonly EventRow[],
): ChainBreak | undefined {
  let last = previous;
  for (const event of events) {
    const found = breakBehind(last, event);
    if (found !== undefined) return found;
    last = event;
  }
  return undefined;
}

function breakBehind(last: ChainPlace, event: EventRow): ChainBreak | undefined {
  const sequence = last.sequence + 1;
  if (!(event.sequence > last.sequence)) return { sequence: readable(event), why: 'repeated' };
  if (event.sequence !== sequence) return { sequence, why: 'missing' };
  if (event.hash !== hashOf(event)) return { sequence, why: 'changed' };
  return event.previousHash === last.hash ? undefined : { sequence, why: 'unlinked' };
}

/** In a table that somebody else has made, a number can be anything. */
function readable({ sequence }: EventRow): number {
  return Number.isSafeInteger(sequence) ? sequence : 0;
}
