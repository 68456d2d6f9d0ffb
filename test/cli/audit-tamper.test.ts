import type Sqlite from 'better-sqlite3';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setQuota } from '../../src/service/quotas.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { testService } from '../helpers/service.ts';
import { onFile } from '../helpers/store.ts';
import {
  rawEvents,
  rehashed,
  renumbered,
  replaceEvents,
  rewrite,
  withHash,
  type RawEvent,
} from '../helpers/tamper.ts';
import { makeTenant } from '../helpers/tenant.ts';

/** 30 events: the settings, a tenant, one of it with everything set, limits one after the other. */
const EVENTS = 30;
/** The event with a reason, a name beside the principal, and both states. */
const FULL = 4;

let home: CliHome;
let sound: string;
let older: string;
let exported: string;
let path: string;

beforeAll(async () => {
  home = newCliHome();
  [sound, older] = [join(home.folder, 'sound.db'), join(home.folder, 'older.db')];
  [exported, path] = [join(home.folder, 'audit.ndjson'), join(home.folder, 'hodei.db')];
  const hodei = await testService();
  const keep = (copy: string) =>
    onFile(hodei.path, (file) => file.prepare('vacuum into ?').run(copy));
  await makeTenant(hodei.call, 'acme');
  await hodei.call(suspendTenant, { tenant: 'acme' });
  const asked = hodei.as({ actingAs: 'zoë', reason: 'café' });
  await asked(setQuota, { tenant: 'acme', cpu_m: 6000 });
  for (let gpu = 1; gpu <= 26; gpu++) {
    hodei.clock.advance(1_000);
    await hodei.call(setQuota, { tenant: 'acme', gpu });
    if (gpu === 16) keep(older);
  }
  keep(sound);
  await hodei.close();
  const { out } = await home.run(['audit', 'export', '--db', sound]);
  // What ran has its own folder written as ~.
  writeFileSync(exported, `${out.replaceAll('~', home.folder)}\n`);
});
afterAll(() => home.remove());

type Attack = (file: Sqlite.Database) => void;

/** A copy of the sound file after an attack. */
function attacked(attack: Attack): void {
  for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  copyFileSync(sound, path);
  onFile(path, (file) => {
    const before = JSON.stringify(rawEvents(file));
    attack(file);
    // An attack that changes nothing would be found nowhere.
    expect(JSON.stringify(rawEvents(file))).not.toBe(before);
  });
}

async function verify(...more: string[]) {
  const { out, code } = await home.run(['audit', 'verify', '--json', '--db', path, ...more]);
  return { ...(JSON.parse(out) as Found), code };
}

interface Found {
  readonly sound: boolean;
  readonly database: { readonly broken_at: number | null; readonly why: string | null };
  readonly file?: { readonly differs: unknown };
}

function sql(text: string): Attack {
  return (file) => void file.exec(text);
}

/** The events with one of them changed. */
function changed(at: number, change: (event: RawEvent) => Partial<RawEvent>) {
  return (events: RawEvent[]) =>
    events.map((event) => (event.sequence === at ? { ...event, ...change(event) } : event));
}

function swapContents(events: RawEvent[], a: number, b: number): RawEvent[] {
  const [one, two] = [events[a - 1], events[b - 1]];
  if (one === undefined || two === undefined) throw new Error('there are too few events');
  const as = ({ sequence }: RawEvent, { ...event }: RawEvent) => ({ ...event, sequence });
  return events.map((event) =>
    event === one ? as(one, two) : event === two ? as(two, one) : event,
  );
}

function forgedAfter(events: readonly RawEvent[], sequence: number): RawEvent {
  const before = events[sequence - 1];
  if (before === undefined) throw new Error('there are too few events');
  return withHash({
    ...before,
    ...{ sequence: sequence + 1, principal: 'mallory', previous_hash: before.hash },
  });
}

const CHANGED = 'changed';

/** Each with the number at which the chain is broken, and why. */
const found: readonly (readonly [string, number, string, Attack])[] = [
  ['another time', 4, CHANGED, sql('update event set time = time + 1 where sequence = 4')],
  ['another principal', 4, CHANGED, sql(`update event set principal = 'zoe' where sequence = 4`)],
  [
    'another name beside it',
    4,
    CHANGED,
    sql(`update event set acting_as = 'b' where sequence = 4`),
  ],
  ['no name beside it', 4, CHANGED, sql('update event set acting_as = null where sequence = 4')],
  ['another operation', 4, CHANGED, sql(`update event set operation = 'a.b' where sequence = 4`)],
  ['another tenant', 4, CHANGED, sql(`update event set tenant = 'tenant-x' where sequence = 4`)],
  ['no tenant', 4, CHANGED, sql('update event set tenant = null where sequence = 4')],
  ['another object', 4, CHANGED, sql(`update event set object = 'x' where sequence = 4`)],
  ['another reason', 4, CHANGED, sql(`update event set reason = 'x' where sequence = 4`)],
  ['another trace id', 4, CHANGED, sql(`update event set trace_id = 'x' where sequence = 4`)],
  ['another before', 4, CHANGED, sql(`update event set before_state = '{}' where sequence = 4`)],
  ['another after', 4, CHANGED, sql(`update event set after_state = '{}' where sequence = 4`)],
  ['another hash', 4, CHANGED, sql(`update event set hash = upper(hash) where sequence = 4`)],
  [
    'another hash before',
    4,
    CHANGED,
    sql('update event set previous_hash = hash where sequence = 4'),
  ],
  ['an empty text for none', 5, CHANGED, sql(`update event set reason = '' where sequence = 5`)],
  [
    'null as a text for none',
    2,
    CHANGED,
    sql(`update event set before_state = 'null' where sequence = 2`),
  ],
  [
    'a text normalised otherwise',
    FULL,
    CHANGED,
    rewrite(changed(FULL, ({ reason }) => ({ reason: reason?.normalize('NFD') ?? '' }))),
  ],
  [
    'a space in JSON',
    4,
    CHANGED,
    sql(`update event set after_state = after_state || ' ' where sequence = 4`),
  ],
  ['JSON that is none', 4, CHANGED, sql(`update event set after_state = '{' where sequence = 4`)],
  [
    'before and after exchanged',
    4,
    CHANGED,
    sql(
      'update event set before_state = after_state, after_state = before_state where sequence = 4',
    ),
  ],
  [
    'before moved into after',
    4,
    CHANGED,
    sql('update event set after_state = before_state, before_state = null where sequence = 4'),
  ],
  [
    'the reason moved into the name',
    4,
    CHANGED,
    sql('update event set acting_as = reason, reason = null where sequence = 4'),
  ],
  ['the first deleted', 1, 'missing', sql('delete from event where sequence = 1')],
  ['one in the middle deleted', 15, 'missing', sql('delete from event where sequence = 15')],
  [
    'ten in the middle deleted',
    11,
    'missing',
    sql('delete from event where sequence between 11 and 20'),
  ],
  [
    'the last moved away',
    30,
    'missing',
    sql('update event set sequence = 300 where sequence = 30'),
  ],
  [
    'the first moved before the start',
    0,
    'repeated',
    (file) => {
      file.pragma('ignore_check_constraints = on');
      file.exec('update event set sequence = 0 where sequence = 1');
    },
  ],
  [
    'one put before the first',
    -7,
    'repeated',
    rewrite(([first, ...rest]) =>
      first === undefined ? [] : [{ ...first, sequence: -7, principal: 'm' }, first, ...rest],
    ),
  ],
  [
    'the first deleted and all renumbered',
    1,
    CHANGED,
    rewrite((events) => renumbered(events.slice(1))),
  ],
  [
    'one deleted and the rest renumbered',
    15,
    CHANGED,
    rewrite((events) => renumbered(events.filter(({ sequence }) => sequence !== 15))),
  ],
  [
    'one inserted in the middle and the rest renumbered',
    17,
    CHANGED,
    rewrite((events) =>
      renumbered([...events.slice(0, 15), forgedAfter(events, 15), ...events.slice(15)]),
    ),
  ],
  [
    'one added at the end with a wrong hash before it',
    31,
    'unlinked',
    rewrite((events) => [
      ...events,
      withHash({ ...forgedAfter(events, EVENTS), previous_hash: 'f'.repeat(64) }),
    ]),
  ],
  [
    'one added at the end as it is',
    31,
    CHANGED,
    (file) =>
      file.exec(`insert into event select 31, time, principal, acting_as, operation, tenant, object,
      reason, before_state, after_state, trace_id, previous_hash, hash from event where sequence = 30`),
  ],
  ['the contents of two exchanged', 10, CHANGED, rewrite((events) => swapContents(events, 10, 20))],
  [
    'two neighbours exchanged, each hashed anew',
    10,
    'unlinked',
    rewrite((events) => swapContents(events, 10, 11).map(withHash)),
  ],
  [
    'a number twice, the same event',
    15,
    'repeated',
    rewrite((events) =>
      events.flatMap((event) => (event.sequence === 15 ? [event, event] : [event])),
    ),
  ],
  [
    'a fork: two events behind the same one',
    16,
    'repeated',
    rewrite((events) => [...events.slice(0, 16), forgedAfter(events, 15), ...events.slice(16)]),
  ],
  ['a fork at the end', 30, 'repeated', rewrite((events) => [...events, forgedAfter(events, 29)])],
  [
    'one changed and hashed anew',
    16,
    'unlinked',
    rewrite((events) => changed(15, () => ({ principal: 'mallory' }))(events).map(withHash)),
  ],
  [
    'one changed, and its new hash written into the next',
    16,
    CHANGED,
    rewrite((events) => {
      const made = changed(15, () => ({ principal: 'mallory' }))(events).map(withHash);
      return changed(16, () => ({ previous_hash: made[14]?.hash ?? '' }))(made);
    }),
  ],
  [
    'a chain of another beginning',
    1,
    'unlinked',
    rewrite((events) => {
      const [first, ...rest] = changed(1, () => ({ previous_hash: 'a'.repeat(64) }))(events);
      if (first === undefined) return [];
      return rehashed([withHash(first), ...rest], 2);
    }),
  ],
  ['a number that is none', 6, 'missing', rewrite(changed(6, () => ({ sequence: 6.5 })))],
];

/** What only an export shows, which knows the chain as it was: up to where it is the same, and why. */
const foundByExport: readonly (readonly [string, object, Attack])[] = [
  [
    'the last deleted',
    { why: 'missing', agreed: 29, differs: 30 },
    sql('delete from event where sequence = 30'),
  ],
  [
    'the last ten deleted',
    { why: 'missing', agreed: 20, differs: 21 },
    sql('delete from event where sequence > 20'),
  ],
  ['all deleted', { why: 'missing', agreed: 0, differs: 1 }, sql('delete from event')],
  [
    'one changed, and everything behind it hashed anew',
    { why: 'other', agreed: 11, differs: 12 },
    rewrite((events) => rehashed(changed(12, () => ({ principal: 'ben' }))(events), 12)),
  ],
  [
    'only the time of the last changed, and hashed anew',
    { why: 'other', agreed: 29, differs: 30 },
    rewrite((events) => rehashed(changed(30, ({ time }) => ({ time: time - 1 }))(events), 30)),
  ],
  [
    'everything hashed anew after the first was changed',
    { why: 'other', agreed: 0, differs: 1 },
    rewrite((events) => rehashed(changed(1, () => ({ principal: 'root' }))(events))),
  ],
  [
    'one deleted, and the rest renumbered and hashed anew',
    { why: 'other', agreed: 14, differs: 15 },
    rewrite((events) => rehashed(renumbered(events.filter(({ sequence }) => sequence !== 15)), 15)),
  ],
  [
    'one inserted, and the rest renumbered and hashed anew',
    { why: 'other', agreed: 14, differs: 15 },
    rewrite((events) => {
      const forged = [...events.slice(0, 14), forgedAfter(events, 14), ...events.slice(14)];
      return rehashed(renumbered(forged), 15);
    }),
  ],
  [
    'the whole table replaced by an older copy',
    { why: 'missing', agreed: 20, differs: 21 },
    (file) => replaceEvents(file, onFile(older, rawEvents)),
  ],
  [
    'cut off and written on otherwise',
    { why: 'other', agreed: 20, differs: 21 },
    rewrite((events) =>
      rehashed(
        events.map((event) => ({ ...event, reason: event.sequence > 20 ? 'x' : event.reason })),
        21,
      ),
    ),
  ],
];

describe('audit verify', () => {
  it.each(found)('finds %s', async (_name, brokenAt, why, attack) => {
    attacked(attack);
    const { code, sound: isSound, database } = await verify();
    expect({ ...database, code, isSound }).toMatchObject({
      ...{ broken_at: brokenAt, why, code: 9, isSound: false },
    });
  });

  it.each(foundByExport)('with an export finds %s', async (_name, differs, attack) => {
    attacked(attack);
    const alone = await verify();
    expect(alone).toMatchObject({ code: 0, sound: true, database: { broken_at: null } });
    const compared = await verify('--file', exported);
    expect(compared).toMatchObject({ code: 9, sound: false, database: { broken_at: null } });
    expect(compared.file).toMatchObject({ events: EVENTS, differs });
  });

  it('finds nothing where nothing was done, and more events are no difference', async () => {
    copyFileSync(sound, path);
    expect(await verify('--file', exported)).toMatchObject({ code: 0, sound: true });
    await home.run(['tenant', 'create', 'more', '--email', 'a@b.example', '--db', path]);
    expect(await verify('--file', exported)).toMatchObject({
      ...{ code: 0, sound: true, database: { events: EVENTS + 1 } },
      file: { events: EVENTS, differs: null },
    });
  });
});
