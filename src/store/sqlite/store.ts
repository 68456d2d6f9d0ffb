import { HodeiError } from '../../domain/errors.ts';
import { NotUndone, TransactionLost, type Store, type Tables, type Transaction } from '../store.ts';
import { tablesOf } from '../tables/index.ts';
import { openConnection, type Connection } from './connection.ts';
import { sqliteDatabase, statementsOf, type Prepare } from './driver.ts';
import { isDiskFull, toHodeiError } from './errors.ts';
import { remember, type Memory } from './memory.ts';
import { migrate, requireLatestSchema } from './migrate.ts';

export interface SqliteStoreOptions {
  readonly path: string;
  /** Whether a missing file is created and an older schema brought up to date. */
  readonly create: boolean;
  readonly now: () => number;
  /** Carries each commit out, to measure it. */
  readonly timeCommit?: (commit: () => void) => void;
}

interface Opened {
  readonly connection: Connection;
  readonly prepare: Prepare;
  readonly tables: Tables;
}

/** The connection that writes, and what it knows of rows that change rarely. */
interface OpenedToWrite extends Opened {
  readonly memory: Memory;
  readonly timeCommit: (commit: () => void) => void;
}

/**
 * The store on one SQLite file: one connection that writes and one that reads, each opened when
 * it is first needed, since a command mostly needs only one of them.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const writer = once(() => openWriter(options));
  const reader = once(() => openReader(options.path));
  if (options.create) writer.get();
  // Two snapshots cannot be open on one connection, nor two transactions, so they take turns.
  const readInTurn = turns();
  const writeInTurn = turns();
  return {
    read: (work) => readInTurn(() => readSnapshot(reader.get(), work)),
    transaction: (work) => writeInTurn(() => transact(writer.get(), work)),
    async close() {
      // The last connection to close checkpoints the WAL, which a reading one could not.
      reader.opened()?.connection.close();
      writer.opened()?.connection.close();
    },
  };
}

function openWriter(options: SqliteStoreOptions): OpenedToWrite {
  const connection = openConnection(options.path, options.create ? 'create' : 'write');
  const opened = guarded(connection, () => {
    if (options.create) migrate(connection, options.now());
    else requireLatestSchema(connection);
  });
  const memory = remember(opened.tables);
  return { ...opened, tables: memory.tables, memory, timeCommit: options.timeCommit ?? untimed };
}

function untimed(commit: () => void): void {
  commit();
}

function openReader(path: string): Opened {
  const connection = openConnection(path, 'read');
  return guarded(connection, () => requireLatestSchema(connection));
}

function guarded(connection: Connection, check: () => void): Opened {
  try {
    check();
  } catch (error) {
    connection.close();
    throw toHodeiError(error);
  }
  const prepare = statementsOf(connection);
  return { connection, prepare, tables: tablesOf(sqliteDatabase(prepare)) };
}

async function readSnapshot<T>(
  { connection, prepare, tables }: Opened,
  work: (tables: Tables) => Promise<T>,
): Promise<T> {
  execute(prepare, 'begin');
  try {
    return await work(tables);
  } finally {
    if (connection.inTransaction) execute(prepare, 'rollback');
  }
}

async function transact<T>(
  opened: OpenedToWrite,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { connection, prepare, tables, memory } = opened;
  execute(prepare, 'begin immediate');
  // Within the transaction: from now on nobody else can change anything.
  memory.begin(dataVersionOf(prepare));
  let result: T;
  try {
    result = await work({
      tables,
      attempt: (step, keep) => attempt(opened, step, keep),
      run: (step) => run(opened, step),
    });
  } catch (error) {
    memory.undone();
    if (connection.inTransaction) execute(prepare, 'rollback');
    throw error;
  }
  commit(opened);
  memory.committed();
  return result;
}

/** Another number than before when another connection has committed something since. */
function dataVersionOf(prepare: Prepare): unknown {
  return prepare('pragma data_version').pluck().get();
}

async function run<T>({ connection, prepare }: OpenedToWrite, work: () => Promise<T>): Promise<T> {
  const before = changesOf(prepare);
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransactionLost) throw error;
    if (!connection.inTransaction) throw new TransactionLost(error);
    if (changesOf(prepare) !== before) throw new NotUndone(error);
    throw error;
  }
}

/** How many rows this connection has written so far. */
function changesOf(prepare: Prepare): unknown {
  return prepare('select total_changes()').pluck().get();
}

async function attempt<T>(
  { connection, prepare, memory }: OpenedToWrite,
  work: () => Promise<T>,
  keep: boolean,
): Promise<T> {
  execute(prepare, 'savepoint attempt');
  try {
    const result = await work();
    if (keep) execute(prepare, 'release attempt');
    else {
      memory.undone();
      undo(prepare);
    }
    return result;
  } catch (error) {
    memory.undone();
    // From an attempt within this one, with the reason.
    if (error instanceof TransactionLost) throw error;
    // On a full disk SQLite has rolled everything back; going on would commit one by one.
    if (!connection.inTransaction) throw new TransactionLost(error);
    try {
      undo(prepare);
    } catch (cause) {
      // Half of the work is still there, and must not be committed with the rest.
      throw new TransactionLost(cause);
    }
    throw error;
  }
}

function undo(prepare: Prepare): void {
  execute(prepare, 'rollback to attempt');
  execute(prepare, 'release attempt');
}

function commit({ connection, prepare, memory, timeCommit }: OpenedToWrite): void {
  try {
    timeCommit(() => void prepare('commit').run());
  } catch (error) {
    memory.undone();
    if (connection.inTransaction) prepare('rollback').run();
    if (isDiskFull(error)) throw toHodeiError(error);
    throw new HodeiError('unknown_outcome', 'The database failed while it wrote the change down.', {
      hint: 'It may or may not have been done: look before you repeat it.',
      cause: error,
    });
  }
}

function execute(prepare: Prepare, sql: string): void {
  try {
    prepare(sql).run();
  } catch (error) {
    throw toHodeiError(error);
  }
}

function once<T>(make: () => T): { get(): T; opened(): T | undefined } {
  let made: T | undefined;
  return { get: () => (made ??= make()), opened: () => made };
}

/** Runs one piece of work after the other, in the order in which they came. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
