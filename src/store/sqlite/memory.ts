import type { EventRow, Place, Tables } from '../store.ts';
import { Kept, pairOf, recall, recallEach } from './recall.ts';
import { rememberingTables } from './remembered.ts';

/** What the writing connection knows of rows that change rarely, and that every decision needs. */
export interface Memory {
  /** The same tables: what was read before is not read again while nobody has changed it. */
  readonly tables: Tables;
  /** A transaction begins, at this version of the data: another one than before was written elsewhere. */
  begin(dataVersion: unknown): void;
  /** Something of the transaction was undone, so that what was read in it may never have been. */
  undone(): void;
  /** The transaction is on the disk. */
  committed(): void;
}

/**
 * Remembers what was read, exactly as long as it is true: until this connection changes such a row,
 * undoes something after it changed one, or SQLite tells of a commit by anybody else. Jobs are always
 * read, and the head of the events in each transaction.
 */
export function remember(tables: Tables): Memory {
  const seldom = new Kept();
  // What every change moves on is kept apart: it is forgotten whenever anything is undone.
  const moving = new Kept();
  const head = moving.map<'head', Promise<EventHead | undefined>>();
  let version: unknown;
  return {
    tables: {
      ...rememberingTables(tables, seldom),
      balances: rememberingBalances(tables.balances, moving),
      events: rememberingHead(tables.events, moving, head),
      waiting: rememberingWaiting(tables.waiting, moving),
      wakeups: rememberingWakeups(tables.wakeups, moving),
    },
    begin(dataVersion) {
      for (const kept of [seldom, moving]) {
        if (dataVersion !== version) kept.forget();
        kept.settle();
      }
      head.clear();
      version = dataVersion;
    },
    undone() {
      seldom.undone();
      moving.undone();
    },
    committed() {
      seldom.settle();
      moving.settle();
    },
  };
}

type EventHead = Pick<EventRow, 'sequence' | 'hash'>;

function rememberingBalances(table: Tables['balances'], moving: Kept): Tables['balances'] {
  const used = moving.map<number, number | undefined>();
  const nameOf = ({ scope, resource }: Place) => pairOf(scope, resource);
  /** Of all others it is known still. */
  const replacing =
    (write: Tables['balances']['set']): Tables['balances']['set'] =>
    (scope, resource, amount) => {
      moving.change();
      used.delete(pairOf(scope, resource));
      return write(scope, resource, amount);
    };
  return {
    ...table,
    usedAt: (places) => recallEach(used, places, nameOf, table.usedAt),
    async add(scopes, charges) {
      moving.change();
      await table.add(scopes, charges);
      for (const scope of scopes) {
        for (const { resource, amount } of charges) {
          const name = pairOf(scope, resource);
          const before = used.get(name);
          if (before !== undefined) used.set(name, before + amount);
        }
      }
    },
    insert: replacing(table.insert),
    set: replacing(table.set),
  };
}

function rememberingHead(
  table: Tables['events'],
  moving: Kept,
  head: Map<'head', Promise<EventHead | undefined>>,
): Tables['events'] {
  return {
    ...table,
    head: () => recall(head, 'head', table.head),
    async insert(event) {
      moving.change();
      await table.insert(event);
      head.set('head', Promise.resolve({ sequence: event.sequence, hash: event.hash }));
    },
  };
}

/** Whether anybody waits: mostly not. */
function rememberingWaiting(table: Tables['waiting'], moving: Kept): Tables['waiting'] {
  const any = moving.map<'any', Promise<boolean>>();
  return {
    ...table,
    isAny: () => recall(any, 'any', table.isAny),
    insert: moving.changing([any], table.insert),
    remove: moving.changing([any], table.remove),
  };
}

/** Whether some who wait are to be looked at. */
function rememberingWakeups(table: Tables['wakeups'], moving: Kept): Tables['wakeups'] {
  const any = moving.map<'any', Promise<boolean>>();
  return {
    ...table,
    isAny: () => recall(any, 'any', table.isAny),
    put: moving.changing([any], table.put),
    remove: moving.changing([any], table.remove),
  };
}
