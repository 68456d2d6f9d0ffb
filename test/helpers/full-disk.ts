import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fullAuthority } from '../../src/service/authority.ts';
import { HodeiError } from '../../src/domain/errors.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import { callLocal } from '../../src/service/call.ts';
import { chainStart, findBreak } from '../../src/service/event-log.ts';
import type { Call } from '../../src/service/operation.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { listTenants } from '../../src/service/tenants.ts';
import { countingIds } from './ids.ts';
import { callAs, TRACE_ID } from './service.ts';
import { onFile } from './store.ts';
import { makeTenant } from './tenant.ts';

const MEGABYTE = 1024 * 1024;

interface Outcome {
  readonly name: string;
  /** `done`, or the code, message and hint of the refusal. */
  readonly answer: string;
}

export interface FullDiskReport {
  /** Calls of one transaction, in the midst of which a statement found the disk full. */
  readonly group: readonly Outcome[];
  /** Calls until the disk was full, and fifty more. */
  readonly filling: readonly Outcome[];
  /** How many tenants a list had while the disk was full. */
  readonly listed: number;
  /** A call after there was room again. */
  readonly after: Outcome;
  /** What another program finds in the file at the end. */
  readonly names: readonly string[];
  readonly integrity: unknown;
  readonly brokenAt: number | undefined;
}

/** Fills the disk of a folder with tenants: for a process that has a small one of its own. */
export async function fillDisk(folder: string): Promise<FullDiskReport> {
  const path = join(folder, 'hodei.db');
  const ballast = join(folder, 'ballast');
  const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
  const environment = { now: () => 0, newId: countingIds().newId };
  const store = openSqliteStore({ path, create: true, now: environment.now });
  await beginSettings(store, environment, ana, defaultSettings);
  const call = callAs(callLocal(store, environment), ana);
  writeFileSync(ballast, Buffer.alloc(MEGABYTE));
  plantBloat(path);

  const names = Array.from({ length: 20 }, (_, i) => (i === 10 ? 'bloat' : `group-${i}`));
  const group = await Promise.all(names.map((name) => create(call, name)));
  const filling = await fill(call);
  const listed = (await call(listTenants, { limit: 500, sort: 'created' })).items.length;
  rmSync(ballast);
  const after = await create(call, 'after');
  const events = await store.read((tables) => tables.events.following(0, 1_000_000));
  await store.close();
  const brokenAt = findBreak(chainStart, events)?.sequence;
  return { group, filling, listed, after, brokenAt, ...look(path) };
}

/** A tenant called `bloat` needs more than there is, and more than SQLite keeps in memory. */
function plantBloat(path: string): void {
  onFile(path, (connection) =>
    connection.exec(`
      create table bloat (content blob);
      create trigger bloat after insert on tenant when new.name = 'bloat' begin
        insert into bloat values (randomblob(40000000));
      end`),
  );
}

async function fill(call: Call): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let refused = 0;
  for (let round = 0; refused < 50 && round < 10_000; round++) {
    const names = Array.from({ length: 10 }, (_, i) => `fill-${round}-${i}`);
    const answers = await Promise.all(names.map((name) => create(call, name)));
    outcomes.push(...answers);
    refused += answers.filter(({ answer }) => answer !== 'done').length;
  }
  return outcomes;
}

async function create(call: Call, name: string): Promise<Outcome> {
  try {
    await makeTenant(call, name, { labels: { note: 'x'.repeat(128) } });
    return { name, answer: 'done' };
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return { name, answer: `${error.code}: ${error.message} ${error.hint ?? ''}` };
  }
}

function look(path: string): Pick<FullDiskReport, 'names' | 'integrity'> {
  return onFile(path, (connection) => ({
    names: connection.prepare('select name from tenant order by id').pluck().all() as string[],
    integrity: connection.pragma('integrity_check', { simple: true }),
  }));
}
