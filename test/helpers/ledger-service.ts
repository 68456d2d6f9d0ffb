import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { fullAuthority } from '../../src/service/authority.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { callLocal, type Environment } from '../../src/service/call.ts';
import type { Call } from '../../src/service/operation.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { EventRow, Store } from '../../src/store/store.ts';
import { stoppedClock, type Clock } from './clock.ts';
import { countingIds } from './ids.ts';
import { callAs, TRACE_ID } from './service.ts';
import { memoryFolder, onFile, removeFolder } from './store.ts';
import { strayFinder } from './waiting-places.ts';

/** A job as it stands in the file. */
export interface JobSeen {
  readonly id: string;
  readonly state: string;
  readonly due_at: number | null;
  readonly ended_at: number | null;
  readonly claim_due: number;
}

/** A session as it stands in the file, with who agreed and the jobs that need it. */
export interface BurstSeen {
  readonly id: string;
  readonly state: string;
  readonly starts_at: number | null;
  readonly ends_at: number | null;
  readonly lapses_at: number;
  readonly notice_at: number | null;
  readonly ended_at: number | null;
  readonly evicting: number;
  readonly approvals: string;
  readonly jobs: string;
}

export interface LedgerSeen {
  /** The oldest first. */
  readonly bursts: readonly BurstSeen[];
  /** In the order of their requests. */
  readonly jobs: readonly JobSeen[];
  /** Those that are not 0, sorted: `acme/default cpu_m 3`. */
  readonly balances: readonly string[];
  /** Who waits where nothing would wake it: nobody. */
  readonly stray: readonly string[];
}

/** A service to be used thousands of times from the beginning. */
export interface LedgerService {
  readonly clock: Clock;
  readonly call: Call;
  /** The same on behalf of somebody else. */
  as(principal: string): Call;
  /** Makes the file what it was when it was new; clock and ids begin anew. */
  reset(): void;
  /** Closes the file and opens it again, as a new process would. */
  restart(): Promise<void>;
  /** What is in the file, as another process reads it. */
  look(): LedgerSeen;
  /** The events after one. */
  eventsAfter(sequence: number): EventRow[];
  /** Closes it and removes its file. */
  close(): Promise<void>;
}

const caller = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };

export async function ledgerService(settings: Settings): Promise<LedgerService> {
  const folder = memoryFolder();
  const file = { path: join(folder, 'hodei.db'), template: join(folder, 'template.db') };
  let [clock, ids] = [stoppedClock(), countingIds()];
  const environment = {
    now: () => clock.now(),
    newId: (kind: string) => ids.newId(kind),
    checkOutput: true,
  };
  await begin(file, environment, settings);
  let opened = openFile(file, environment);
  const close = async () => {
    opened.watcher.close();
    await opened.store.close();
  };
  return {
    clock: { now: () => clock.now(), advance: (milliseconds) => clock.advance(milliseconds) },
    call: (...asked) => opened.as('ana')(...asked),
    as: (principal) => opened.as(principal),
    reset() {
      [clock, ids] = [stoppedClock(), countingIds()];
      opened.reset();
    },
    async restart() {
      await close();
      opened = openFile(file, environment);
    },
    look: () => opened.look(),
    eventsAfter: (sequence) => opened.events.all(sequence) as EventRow[],
    async close() {
      await close();
      removeFolder(folder);
    },
  };
}

/** A clock that needs no database to tell the time. */
type TestEnvironment = Environment & { readonly now: () => number };

interface LedgerFile {
  readonly path: string;
  readonly template: string;
}

async function begin(
  { path, template }: LedgerFile,
  environment: TestEnvironment,
  settings: Settings,
): Promise<void> {
  const store = openSqliteStore({ path, create: true, now: environment.now });
  await beginSettings(store, environment, caller, settings);
  await store.close();
  onFile(path, (db) => db.prepare('vacuum into ?').run(template));
}

function openFile({ path, template }: LedgerFile, environment: TestEnvironment) {
  const store: Store = openSqliteStore({ path, create: false, now: environment.now });
  const service = callLocal(store, environment);
  const as = (principal: string): Call => callAs(service, { ...caller, principal });
  const watcher = new Sqlite(path);
  watcher.pragma('foreign_keys = off');
  watcher.prepare('attach ? as template').run(template);
  const look = lookerAt(watcher);
  const refill = refillerOf(watcher);
  const reset = () => {
    refill();
    look.again();
  };
  return { store, as, watcher, reset, look: look.now, events: watcher.prepare(EVENTS) };
}

/** Puts the rows of the template in place of those of the file. */
function refillerOf(watcher: Sqlite.Database): () => void {
  const tables = watcher.prepare(`select name from template.sqlite_schema where type = 'table'`);
  const statements = (tables.pluck().all() as string[]).flatMap((table) => [
    watcher.prepare(`delete from main.${table}`),
    watcher.prepare(`insert into main.${table} select * from template.${table}`),
  ]);
  return watcher.transaction(() => {
    for (const statement of statements) statement.run();
  });
}

/** What did not change since is not read again. */
function lookerAt(watcher: Sqlite.Database) {
  const version = watcher.prepare('pragma data_version').pluck();
  const jobs = watcher.prepare(JOBS);
  const bursts = watcher.prepare(BURSTS);
  const balances = watcher.prepare(BALANCES).pluck();
  const stray = strayFinder(watcher);
  const read = (): LedgerSeen & { version: unknown } => ({
    version: version.get(),
    jobs: jobs.all() as JobSeen[],
    bursts: bursts.all() as BurstSeen[],
    balances: (balances.all() as string[]).sort(),
    stray: stray(),
  });
  let seen = read();
  return {
    now: () => (version.get() === seen.version ? seen : (seen = read())),
    again: () => (seen = read()),
  };
}

const JOBS = `
  select public_id as id, state, due_at, ended_at, claim_due from job j order by j.id`;

const BURSTS = `
  select public_id as id, state, starts_at, ends_at, lapses_at, notice_at, ended_at, evicting,
    (select coalesce(group_concat(principal, ' '), '') from
      (select principal from burst_approval a where a.burst = b.id order by 1)) as approvals,
    (select coalesce(group_concat(public_id, ' '), '') from
      (select j.public_id from burst_job l join job j on j.id = l.job
       where l.burst = b.id order by j.id)) as jobs
  from burst b order by b.id`;

const BALANCES = `
  select coalesce(t.name, '-') || '/' || coalesce(p.name, '-') || ' ' || r.name || ' ' || b.used
  from balance b join scope s on s.id = b.scope join resource r on r.id = b.resource
  left join tenant t on t.id = s.tenant left join pool p on p.id = s.pool
  where b.used <> 0`;

const EVENTS = `
  select sequence, time, principal, acting_as as actingAs, operation, tenant, object, reason,
    before_state as before, after_state as after, trace_id as traceId,
    previous_hash as previousHash, hash
  from event where sequence > ? order by sequence`;
