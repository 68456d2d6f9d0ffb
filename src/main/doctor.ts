import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { sayBytes } from '../cli/commands/db.ts';
import type { Check, Place } from '../cli/host.ts';
import { sayBreak } from '../cli/chain-words.ts';
import { sayDiffering } from '../cli/usage-words.ts';
import { count, sayDuration } from '../cli/words.ts';
import { defaultConfig, type Config } from '../config/config.ts';
import { HodeiError } from '../domain/errors.ts';
import { checkChain } from './chain.ts';
import { configFor } from './config-file.ts';
import { readContexts } from './contexts.ts';
import { driftOf } from './connect.ts';
import { systemTime } from './clock.ts';
import { clockCheck } from './doctor-clock.ts';
import { diskCheck, leftDrafts, modesCheck, notReadable, notWritable } from './doctor-files.ts';
import { check, RESTORE_HINT, type Finding } from './finding.ts';
import { checkLedgerOf } from './ledger.ts';
import { databasePathOf, serverOf } from './place.ts';
import type { World } from './world.ts';

/** Looks at everything that hodei stands on. What is broken becomes a finding, not an error. */
export async function doctor(place: Place, world: World): Promise<readonly Check[]> {
  const contexts = await contextsCheck();
  // Without them it is not known which place is meant, unless it is a file that is named.
  if (contexts?.status === 'fail' && place.db === undefined) return [contexts];
  const server = await serverOf(place, world);
  if (server !== undefined) {
    const { doctorOfServer } = await import('./doctor-server.ts');
    const checks = await doctorOfServer(server, world);
    return contexts === undefined ? checks : [...checks, contexts];
  }
  const program = await check('program', () => programCheck(world));
  const { config, checks } = await configCheck(place, world);
  const path = await databasePathOf(place, world, config);
  return [
    program,
    ...checks,
    ...(program.status === 'ok' ? await databaseChecks(path, config, world) : []),
    await check('disk', () => diskCheck(path)),
    ...(contexts === undefined ? [] : [contexts]),
  ];
}

/** Whether the contexts can be used, and are nobody else's to read; undefined where there are none. */
async function contextsCheck(): Promise<Check | undefined> {
  const seen = { any: true };
  const found = await check('contexts', async () => {
    const { current, servers } = await readContexts();
    seen.any = servers.size > 0;
    const finding = `contexts: ${count(servers.size, 'server')}, ${current} is current`;
    return { status: 'ok', finding };
  });
  return seen.any ? found : undefined;
}

async function programCheck({ version }: World): Promise<Finding> {
  const node = process.version.slice(1);
  try {
    const { loadedSqlite } = await import('../store/sqlite/connection.ts');
    const { LATEST_SCHEMA } = await import('../store/sqlite/migrate.ts');
    const parts = [`hodei ${version}`, `node ${node}`, `sqlite ${loadedSqlite()}`];
    return { status: 'ok', finding: `${parts.join(', ')}, schema ${LATEST_SCHEMA}` };
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n');
    return {
      status: 'fail',
      finding: `hodei ${version}, node ${node}: SQLite does not load (${why})`,
      hint: 'npm rebuild better-sqlite3',
    };
  }
}

interface FoundConfig {
  readonly config: Config;
  readonly checks: readonly Check[];
}

/** A config file that is wrong does not keep us from looking at the rest. */
async function configCheck(place: Place, world: World): Promise<FoundConfig> {
  const subject = 'config';
  try {
    const config = await configFor(place, world);
    const { path } = config;
    if (path === undefined) {
      const finding = 'config: there is no file, the defaults hold';
      return { config, checks: [{ subject, status: 'ok', finding }] };
    }
    return {
      config,
      checks: [
        await check(subject, () => modesCheck('config', String, { ...notWritable, paths: [path] })),
      ],
    };
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    const [first = '', ...more] = error.message.split('\n');
    const finding = `config: ${first}${more.length === 0 ? '' : ` (and ${more.length} more)`}`;
    const hint = error.hint ?? 'hodei config validate';
    return { config: defaultConfig(), checks: [{ subject, status: 'fail', finding, hint }] };
  }
}

async function databaseChecks(path: string, config: Config, world: World): Promise<Check[]> {
  if (!existsSync(path)) {
    const finding = `database: there is none at ${path} yet`;
    const hint = 'create the first tenant, or an empty one: hodei db migrate';
    return [{ subject: 'database', status: 'warn', finding, hint }];
  }
  const database = await check('database', () => databaseCheck(path));
  const files = await check('files', () => {
    const paths = [path, `${path}-wal`, `${path}-shm`] as const;
    return modesCheck('files', (each) => basename(each), { ...notReadable, paths });
  });
  const drafts = leftDrafts(path).map((draft) => draftCheck(draft));
  if (database.status !== 'ok') return [database, files, ...drafts];
  return [
    database,
    files,
    ...drafts,
    await check('journal', () => journalCheck(path)),
    await check('integrity', () => integrityCheck(path)),
    await check('ledger', () => ledgerCheck(path)),
    await check('events', () => eventsCheck(path)),
    await check('clock', () => timeCheck(path, world)),
    await check('settings', () => settingsCheck(path, config)),
  ];
}

function draftCheck(draft: string): Check {
  return {
    subject: 'draft',
    status: 'warn',
    finding: `${draft} is a restore that is under way, or one that was killed`,
    hint: `if none is under way: rm ${draft}*`,
  };
}

/** So large it grows only when something keeps it from being folded into the file. */
const WAL_LARGE_BYTES = 128 * 1024 * 1024;

async function databaseCheck(path: string): Promise<Finding> {
  const { inspect } = await import('../store/sqlite/inspect.ts');
  const { requireSchema } = await import('../store/sqlite/migrate.ts');
  const { bytes, walBytes, tenants, schema } = inspect(path);
  requireSchema(schema);
  const size = `${sayBytes(bytes)}, ${sayBytes(walBytes)} of WAL`;
  const finding = `database ${path}: ${size}, ${count(tenants, 'tenant')}`;
  if (walBytes < WAL_LARGE_BYTES) return { status: 'ok', finding };
  return { status: 'warn', finding, hint: 'a process that reads for very long lets the WAL grow' };
}

async function journalCheck(path: string): Promise<Finding> {
  const { durabilityOf } = await import('../store/sqlite/inspect.ts');
  const { journal, synchronous, foreignKeys } = durabilityOf(path);
  const isSafe = journal === 'wal' && synchronous === 2 && foreignKeys === 1;
  if (isSafe) return { status: 'ok', finding: 'journal WAL, synchronous FULL, foreign keys on' };
  const finding = `journal ${journal}, synchronous ${synchronous}, foreign keys ${foreignKeys}`;
  return { status: 'fail', finding, hint: 'commits could be lost when the power fails' };
}

async function integrityCheck(path: string): Promise<Finding> {
  const { damageOf } = await import('../store/sqlite/inspect.ts');
  const start = performance.now();
  const damage = damageOf(path);
  const duration = sayDuration(performance.now() - start);
  if (damage.length === 0) {
    const finding = `integrity: every page, index and reference checked in ${duration}`;
    return { status: 'ok', finding };
  }
  return {
    status: 'fail',
    finding: `integrity: ${damage.slice(0, 3).join('; ')} (${damage.length} in all)`,
    hint: RESTORE_HINT,
  };
}

async function ledgerCheck(path: string): Promise<Finding> {
  const { withStore } = await import('../store/sqlite/backup.ts');
  const { balances, differences } = await withStore(path, checkLedgerOf);
  if (differences === 0) {
    const agree = balances === 1 ? 'agrees' : 'agree';
    return { status: 'ok', finding: `ledger: ${count(balances, 'balance')} ${agree}` };
  }
  return {
    status: 'fail',
    finding: `ledger: ${sayDiffering(differences, balances)}`,
    hint: 'hodei usage verify',
  };
}

async function eventsCheck(path: string): Promise<Finding> {
  const { withStore } = await import('../store/sqlite/backup.ts');
  const { last, broken } = await withStore(path, checkChain);
  if (broken === undefined) {
    return { status: 'ok', finding: `events: ${count(last.sequence, 'event')}, chain unbroken` };
  }
  return {
    status: 'fail',
    finding: `events: the chain is ${sayBreak(broken)}`,
    hint: 'something other than hodei changed it; compare it with a backup',
  };
}

async function timeCheck(path: string, { now }: World): Promise<Finding> {
  const { withStore } = await import('../store/sqlite/backup.ts');
  return withStore(path, (store) => clockCheck(store, systemTime(now)));
}

async function settingsCheck(path: string, config: Config): Promise<Finding> {
  const { withStore } = await import('../store/sqlite/backup.ts');
  return withStore(path, async (store) => {
    const row = await store.read((tables) => tables.settings.current());
    if (row === undefined) {
      return {
        status: 'warn',
        finding: 'settings: none are in force yet',
        hint: 'hodei config apply',
      };
    }
    const drift = await driftOf(store, config);
    if (drift === undefined) {
      return { status: 'ok', finding: `settings: revision ${row.revision} in force` };
    }
    return {
      status: 'warn',
      finding: `settings: ${drift.file} differs from what is in force (${count(drift.keys, 'key')})`,
      hint: 'hodei config apply --dry-run',
    };
  });
}
