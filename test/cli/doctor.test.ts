import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesystemIn, isShared } from '../../src/main/doctor-files.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { onFile } from '../helpers/store.ts';

let home: CliHome;

beforeEach(() => {
  home = newCliHome();
});
afterEach(() => home.remove());

const createTenant = () => home.run('tenant create acme --email ops@acme.example');

/** What the doctor says, without what is different on every machine. */
async function doctor(words = '') {
  const { out, err, code } = await home.run(`doctor ${words}`.trim());
  const steady = out
    .replace(/node \S+, sqlite [\d.]+/, 'node x, sqlite x')
    .replace(/\d+ ms/, 'x ms')
    .replace(/\d+ (GB|TB) free(, \S+)?/, 'x free');
  return { lines: steady.split('\n'), err, code };
}

/** The line of a subject, and the exit code. */
async function lineOf(subject: string) {
  const { out, code } = await home.run('doctor --json');
  const { checks } = JSON.parse(out) as { checks: Record<string, string>[] };
  const found = checks.find((check) => check['subject'] === subject);
  return [`${found?.['status']}: ${found?.['finding']}`, found?.['hint'], code];
}

describe('doctor', () => {
  it('finds nothing wrong with what is new', async () => {
    await createTenant();
    const { lines, err, code } = await doctor();
    expect(lines).toMatchInlineSnapshot(`
      [
        "ok    hodei 1.2.3, node x, sqlite x, schema 9",
        "ok    config: there is no file, the defaults hold",
        "ok    database ~/data/hodei/hodei.db: 365 kB, 0 bytes of WAL, 1 tenant",
        "ok    files: hodei.db 0600 in a folder 0700",
        "ok    journal WAL, synchronous FULL, foreign keys on",
        "ok    integrity: every page, index and reference checked in x ms",
        "ok    ledger: 0 balances agree",
        "ok    events: 2 events, chain unbroken",
        "ok    clock: as the wall clock",
        "ok    settings: revision 1 in force",
        "ok    disk: x free",
      ]
    `);
    expect([err, code]).toEqual(['', 0]);
  });

  it('says that there is no database, and creates none', async () => {
    const { lines, code } = await doctor();
    expect(lines).toMatchInlineSnapshot(`
      [
        "ok    hodei 1.2.3, node x, sqlite x, schema 9",
        "ok    config: there is no file, the defaults hold",
        "warn  database: there is none at ~/data/hodei/hodei.db yet: create the first tenant, or an empty one: hodei db migrate",
        "ok    disk: x free",
      ]
    `);
    expect(code).toBe(9);
    expect(statSync(home.database, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('answers in JSON, CSV and names', async () => {
    const { out } = await home.run('doctor --json');
    const { checks } = JSON.parse(out) as { checks: object[] };
    expect(checks[2]).toEqual({
      subject: 'database',
      status: 'warn',
      finding: 'database: there is none at ~/data/hodei/hodei.db yet',
      hint: 'create the first tenant, or an empty one: hodei db migrate',
    });
    const csv = (await home.run('doctor -o csv')).out.split('\n');
    expect(csv[0]).toBe('status,subject,finding,hint');
    expect((await home.run('doctor -o name')).out).toBe('program\nconfig\ndatabase\ndisk');
  });

  it('warns of files that others can read, and of a folder that they can change', async () => {
    await createTenant();
    chmodSync(home.database, 0o644);
    expect(await lineOf('files')).toEqual([
      'warn: files: hodei.db, hodei.db-wal and hodei.db-shm can be read by others (0644)',
      'chmod go= ~/data/hodei/hodei.db ~/data/hodei/hodei.db-wal ~/data/hodei/hodei.db-shm',
      9,
    ]);
    for (const end of ['', '-wal', '-shm']) chmodSync(home.database + end, 0o600);
    chmodSync(dirname(home.database), 0o777);
    expect(await lineOf('files')).toEqual([
      'warn: files: the folder can be changed by others (0777)',
      'chmod go-w ~/data/hodei',
      9,
    ]);
  });

  it('warns of a config file that others can change', async () => {
    await createTenant();
    await home.run('config init');
    expect((await doctor()).code).toBe(0);
    chmodSync(home.config, 0o666);
    expect(await lineOf('config')).toEqual([
      'warn: config: ~/config/hodei/config.yaml can be changed by others (0666)',
      'chmod go-w ~/config/hodei/config.yaml',
      9,
    ]);
  });

  it('warns of a config file that differs from what is in force', async () => {
    await createTenant();
    mkdirSync(dirname(home.config), { recursive: true, mode: 0o700 });
    writeFileSync(home.config, 'multi_tenancy: {default_tenant_quota: {gpu: 1}}\n');
    expect(await lineOf('settings')).toEqual([
      'warn: settings: ~/config/hodei/config.yaml differs from what is in force (1 key)',
      'hodei config apply --dry-run',
      9,
    ]);
  });

  it('goes on where the config file is wrong', async () => {
    await createTenant();
    mkdirSync(dirname(home.config), { recursive: true, mode: 0o700 });
    writeFileSync(home.config, 'server: {port: x}\nsecurity: 1\n');
    const { lines, code } = await doctor();
    expect(lines[1]).toBe(
      'fail  config: ~/config/hodei/config.yaml:1:16: server.port: expected a whole number from 0 to 65535, found "x" (and 1 more): hodei config validate',
    );
    expect(lines.at(-2)).toBe('ok    settings: revision 1 in force');
    expect(code).toBe(9);
  });

  it('goes on where a config file is named that is not there', async () => {
    const { lines } = await doctor('--config /nowhere.yaml');
    expect(lines[1]).toMatch(/^fail {2}config: There is no config file at \/nowhere\.yaml\.: /);
  });

  it('fails on a file that is not a database', async () => {
    mkdirSync(dirname(home.database), { recursive: true, mode: 0o700 });
    writeFileSync(home.database, 'x'.repeat(9000), { mode: 0o600 });
    const { lines, code } = await doctor();
    expect(lines.slice(2, -1)).toMatchInlineSnapshot(`
      [
        "fail  database: Database error: file is not a database: stop what writes to it and restore a backup: hodei db restore FILE",
        "ok    files: hodei.db 0600 in a folder 0700",
      ]
    `);
    expect(code).toBe(9);
  });

  it('warns of what a killed restore has left', async () => {
    await createTenant();
    writeFileSync(`${home.database}.restore-0a1b2c3d`, '');
    expect(await lineOf('draft')).toEqual([
      'warn: ~/data/hodei/hodei.db.restore-0a1b2c3d is a restore that is under way, or one that was killed',
      'if none is under way: rm ~/data/hodei/hodei.db.restore-0a1b2c3d*',
      9,
    ]);
  });

  it('fails on a damaged index', async () => {
    await createTenant();
    onFile(home.database, (connection) => {
      connection.unsafeMode(true);
      connection.pragma('writable_schema = ON');
      connection.exec(`delete from sqlite_schema where name = 'event_tenant'`);
    });
    const [line, hint, code] = await lineOf('integrity');
    expect(line).toMatch(/^fail: integrity: Page \d+: never used \(1 in all\)$/);
    expect(hint).toBe('stop what writes to it and restore a backup: hodei db restore FILE');
    expect(code).toBe(9);
  });

  it('fails on a row that refers to nothing', async () => {
    await createTenant();
    onFile(home.database, (connection) => {
      connection.pragma('foreign_keys = OFF');
      connection.exec(`update scope set tenant = 77`);
    });
    expect(await lineOf('integrity')).toEqual([
      'fail: integrity: row 1 of scope refers to nothing (1 in all)',
      'stop what writes to it and restore a backup: hodei db restore FILE',
      9,
    ]);
  });

  it('fails where the ledger says something else than the live jobs', async () => {
    await createTenant();
    await home.run('job admit --tenant acme --cpu 1 --id a');
    expect(await lineOf('ledger')).toEqual(['ok: ledger: 6 balances agree', undefined, 0]);
    onFile(home.database, (connection) =>
      connection.exec(`update balance set used = 7 where resource = 1 and scope = 1`),
    );
    expect(await lineOf('ledger')).toEqual([
      'fail: ledger: 1 of 6 balances differs',
      'hodei usage verify',
      9,
    ]);
  });

  it('fails where somebody changed the events', async () => {
    await createTenant();
    onFile(home.database, (connection) =>
      connection.exec(`update event set principal = 'mallory' where sequence = 2`),
    );
    expect(await lineOf('events')).toEqual([
      'fail: events: the chain is broken at number 2: event 2 was changed after it was written',
      'something other than hodei changed it; compare it with a backup',
      9,
    ]);
  });

  it('warns where no settings are in force', async () => {
    await createTenant();
    onFile(home.database, (connection) => connection.exec('delete from settings_revision'));
    expect(await lineOf('settings')).toEqual([
      'warn: settings: none are in force yet',
      'hodei config apply',
      9,
    ]);
  });

  it('fails on a database of another schema', async () => {
    await createTenant();
    onFile(home.database, (connection) =>
      connection.exec(`insert into migration values (99, 'x', 0)`),
    );
    const [line, hint] = await lineOf('database');
    expect(line).toMatch(/^fail: database: The database has schema 99/);
    expect(hint).toMatch(/^Run the newer hodei/);
  });

  it('says that a server does not answer', async () => {
    const { lines, code } = await doctor('--server http://127.0.0.1:9');
    expect(lines).toEqual([
      expect.stringMatching(/^fail {2}health: http:\/\/127\.0\.0\.1:9\/healthz does not answer/),
    ]);
    expect(code).toBe(9);
  });

  it('finds every bit that is flipped in a page that is in use, or loses nothing by it', async () => {
    await createTenant();
    onFile(home.database, (connection) => connection.pragma('wal_checkpoint(TRUNCATE)'));
    const sound = await home.run('tenant get acme --json');
    const { size } = statSync(home.database);
    for (let offset = 0; offset < size; offset += 997) {
      const bit = 1 << (offset % 8);
      flip(home.database, offset, bit);
      const { code } = await doctor();
      const now = await home.run('tenant get acme --json');
      if (code === 0) expect(now, `bit at ${offset}`).toEqual(sound);
      flip(home.database, offset, bit);
    }
    expect((await doctor()).code).toBe(0);
  });
});

function flip(path: string, offset: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ bit;
  writeFileSync(path, bytes);
}

describe('the kind of a filesystem', () => {
  const table = [
    '22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 22 0:30 / /srv rw - nfs4 server:/srv rw',
    '31 30 0:31 / /srv/my\\040disk rw - xfs /dev/vdb rw',
    '32 22 0:32 / /srv/over rw - tmpfs tmpfs rw',
    '33 32 0:33 / /srv/over rw shared:2 master:3 - fuse.sshfs host: rw',
  ].join('\n');

  it.each([
    ['/var/lib/hodei', 'ext4'],
    ['/srv', 'nfs4'],
    ['/srvother', 'ext4'],
    ['/srv/hodei/data', 'nfs4'],
    ['/srv/my disk/hodei', 'xfs'],
    ['/srv/over/hodei', 'fuse.sshfs'],
  ])('of %s is %s', (folder, kind) => {
    expect(filesystemIn(table, folder)).toBe(kind);
  });

  it('is shared for some and local for others', () => {
    const shared = ['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'ceph', 'fuse.sshfs', 'fuse.s3fs'];
    const local = ['ext4', 'xfs', 'btrfs', 'zfs', 'tmpfs', 'overlay', 'fuseblk'];
    expect(shared.filter((kind) => !isShared(kind))).toEqual([]);
    expect(local.filter(isShared)).toEqual([]);
  });
});
