import { resolve } from 'node:path';
import type { BackupReport, DatabaseStatus, Host, Place } from '../cli/host.ts';
import type { Caller } from '../service/operation.ts';
import { recordEvent, type ChainBreak } from '../service/event-log.ts';
import type { EventRow, Store } from '../store/store.ts';
import type { DatabaseFacts } from '../store/sqlite/inspect.ts';
import { callerOf } from './caller.ts';
import { checkChain, requireUnbrokenChain } from './chain.ts';
import { openService } from './connect.ts';
import { checkLedgerOf, requireAgreeingLedger } from './ledger.ts';
import { localTargetOf } from './place.ts';
import { storeSizes } from './store-sizes.ts';
import type { World } from './world.ts';

/** What `hodei db` does, always on the file itself. */
export function databaseCommands(world: World): Host['database'] {
  return {
    status: (place) => status(place, world),
    sizes: async (place) => storeSizes((await localTargetOf(place, world)).path),
    migrate: (place) => migrateFile(place, world),
    backup: (place, file) => backup(place, file, world),
    restore: (place, file, options) => restore(place, file, options, world),
  };
}

async function status(place: Place, world: World): Promise<DatabaseStatus> {
  const { path } = await localTargetOf(place, world);
  const { inspect } = await import('../store/sqlite/inspect.ts');
  const facts = inspect(path);
  return {
    path,
    bytes: facts.bytes,
    wal_bytes: facts.walBytes,
    schema: facts.schema,
    schema_known: facts.schemaKnown,
    sqlite: facts.sqlite,
    tenants: facts.tenants,
    events: facts.events,
    settings_revision: facts.settingsRevision,
  };
}

async function migrateFile(place: Place, world: World) {
  const target = await localTargetOf(place, world);
  const { openConnection } = await import('../store/sqlite/connection.ts');
  const { migrate } = await import('../store/sqlite/migrate.ts');
  world.beginChange();
  const connection = openConnection(target.path, 'create');
  let applied: string[];
  try {
    applied = migrate(connection, world.now()).map(({ number, name }) => `${number} ${name}`);
  } finally {
    connection.close();
  }
  // So that a new database has settings in force from its beginning.
  const { store, begin } = await openService(target, callerOf(place, world), world, true);
  try {
    await begin();
  } finally {
    await store.close();
  }
  return { path: target.path, applied };
}

async function backup(place: Place, file: string, world: World): Promise<BackupReport> {
  const { path } = await localTargetOf(place, world);
  const { backupTo } = await import('../store/sqlite/backup.ts');
  world.beginChange();
  const target = resolve(file);
  const { facts, findings } = await backupTo(path, target, async (copy) => ({
    broken: (await checkChain(copy)).broken,
    differences: (await checkLedgerOf(copy)).differences,
  }));
  return reportOf(target, facts, findings);
}

async function restore(
  place: Place,
  file: string,
  { dryRun }: { readonly dryRun: boolean },
  world: World,
): Promise<BackupReport> {
  const { path } = await localTargetOf(place, world);
  const { restoreFrom } = await import('../store/sqlite/restore.ts');
  const caller = callerOf(place, world);
  const source = resolve(file);
  world.beginChange();
  const facts = await restoreFrom(path, source, {
    now: world.now,
    verifyContents: async (restored) => {
      await requireUnbrokenChain(restored);
      await requireAgreeingLedger(restored, source);
    },
    record: (restored, replaced) => recordRestore(restored, replaced, source, caller, world),
    dryRun,
  });
  return reportOf(source, facts);
}

/** The restored history ends with its own restoration, and says which history it replaced. */
async function recordRestore(
  restored: Store,
  replaced: Pick<EventRow, 'sequence' | 'hash'> | undefined,
  file: string,
  caller: Caller,
  { now }: World,
): Promise<void> {
  await restored.transaction(async ({ tables }) => {
    const last = await tables.events.head();
    await recordEvent(
      { tables, caller, now: now() },
      {
        operation: 'db.restore',
        tenant: null,
        object: 'database',
        before: endOf(replaced),
        after: { file, ...endOf(last) },
      },
    );
  });
}

function endOf(event: Pick<EventRow, 'sequence' | 'hash'> | undefined) {
  return event === undefined ? null : { events: event.sequence, hash: event.hash };
}

/** What is in force was required to be without fault. */
const sound = { broken: undefined, differences: 0 };

function reportOf(
  file: string,
  { bytes, tenants, events }: DatabaseFacts,
  found: { readonly broken: ChainBreak | undefined; readonly differences: number } = sound,
): BackupReport {
  return {
    ...{ file, bytes, tenants, events },
    chain_broken_at: found.broken?.sequence ?? null,
    chain_broken_why: found.broken?.why ?? null,
    ledger_differences: found.differences,
  };
}
