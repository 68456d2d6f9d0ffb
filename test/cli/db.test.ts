import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { dump, onFile } from '../helpers/store.ts';

let home: CliHome;
let backup: string;

beforeEach(() => {
  home = newCliHome();
  backup = join(home.folder, 'backup.db');
});
afterEach(() => home.remove());

const createTenant = (name: string) => home.run(`tenant create ${name} --email ops@a.example`);

async function tenants(): Promise<string> {
  return (await home.run('tenant list -o name')).out;
}

describe('db migrate', () => {
  it('creates an empty database with settings in force, then has nothing to do', async () => {
    expect(await home.run('db migrate')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "Applied 9 migrations to ~/data/hodei/hodei.db: 1 tenants-and-quotas, 2 pools-and-jobs, 3 queue-and-policies, 4 tokens, 5 bursts, 6 webhooks, 7 cost, 8 quota-notices and 9 budgets.",
      }
    `);
    expect(await home.run('db migrate')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "Nothing to do: ~/data/hodei/hodei.db has the newest schema.",
      }
    `);
    expect((await home.run('db status -o csv')).out).toContain('settings,1');
    expect((await home.run('db migrate --json')).out.replace(/\s+/g, '')).toBe(
      '{"path":"~/data/hodei/hodei.db","applied":[]}',
    );
  });

  it('refuses a database of a newer hodei, and changes nothing in it', async () => {
    await home.run('db migrate');
    plantNewerSchema(home.database);
    const before = dump(home.database);
    expect(await home.run('db migrate')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: The database has schema 99, and this hodei knows schemas up to 9: it was written by a newer hodei.
             Run the newer hodei, or restore a backup made before the upgrade.",
        "out": "",
      }
    `);
    expect(dump(home.database)).toEqual(before);
  });
});

/** Past hodei. */
function spoilLedger(path: string): void {
  onFile(path, (connection) => connection.exec('insert into balance values (1, 1, 7)'));
}

function plantNewerSchema(path: string): void {
  onFile(path, (connection) =>
    connection.exec(`insert into migration values (99, 'from-the-future', 0)`),
  );
}

describe('db status', () => {
  it('says where the database is and what is in it', async () => {
    await createTenant('acme');
    const { out, code } = await home.run('db status');
    expect(out.replace(/sqlite\t.*/, 'sqlite\tx')).toMatchInlineSnapshot(`
      "path	~/data/hodei/hodei.db
      size	365 kB
      wal	0 bytes
      schema	9
      sqlite	x
      tenants	1
      events	2
      settings	revision 1"
    `);
    expect(code).toBe(0);
    expect(JSON.parse((await home.run('db status --json')).out)).toEqual({
      path: '~/data/hodei/hodei.db',
      bytes: statSync(home.database).size,
      wal_bytes: 0,
      schema: 9,
      schema_known: 9,
      sqlite: expect.stringMatching(/^3\./) as string,
      tenants: 1,
      events: 2,
      settings_revision: 1,
    });
  });

  it('says that there is none, and creates none', async () => {
    expect(await home.run('db status')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: There is no database at ~/data/hodei/hodei.db.
             Create the first tenant there, or an empty database: hodei db migrate",
        "out": "",
      }
    `);
    expect(existsSync(home.database)).toBe(false);
  });

  it('looks at a database of a newer hodei too', async () => {
    await home.run('db migrate');
    plantNewerSchema(home.database);
    expect((await home.run('db status')).out).toContain('schema\t99, known up to 9\n');
  });
});

describe('db backup', () => {
  it('writes a verified copy that nobody else can read', async () => {
    await createTenant('acme');
    const { out, err, code } = await home.run(['db', 'backup', backup]);
    expect([out, err, code]).toEqual([
      expect.stringMatching(/^Wrote ~\/backup\.db: \d+ kB, 1 tenant, 2 events, verified\.$/),
      '',
      0,
    ]);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(dump(backup)).toEqual(dump(home.database));
    expect(readdirSync(home.folder).filter((name) => name.startsWith('backup'))).toEqual([
      'backup.db',
    ]);
  });

  it('does not overwrite', async () => {
    await createTenant('acme');
    writeFileSync(backup, 'mine');
    expect(await home.run(['db', 'backup', backup])).toMatchInlineSnapshot(`
      {
        "code": 5,
        "err": "hodei: ~/backup.db exists already.
             Name another file, or move this one away.",
        "out": "",
      }
    `);
    expect(statSync(backup).size).toBe(4);
  });

  it('needs a folder and a database', async () => {
    expect((await home.run('db backup /nowhere/x.db')).err).toMatch(/^hodei: There is no /);
    await createTenant('acme');
    expect(await home.run('db backup /nowhere/x.db')).toEqual({
      out: '',
      err: 'hodei: There is no folder /nowhere.',
      code: 7,
    });
  });

  it('keeps the evidence of a broken chain, and does not pass it off as sound', async () => {
    await createTenant('acme');
    onFile(home.database, (connection) =>
      connection.exec(`update event set reason = 'another' where sequence = 1`),
    );
    const { out, err, code } = await home.run(['db', 'backup', backup]);
    expect(out).toMatch(/^Wrote .*: .*, 1 tenant, 2 events\.$/);
    expect([err, code]).toEqual([
      'Here and in the copy, the chain of events is broken at number 1: event 1 was changed after it was written.',
      9,
    ]);
  });

  it('says where the ledger is wrong, and does not pass it off as sound', async () => {
    await createTenant('acme');
    spoilLedger(home.database);
    const { out, err, code } = await home.run(['db', 'backup', backup]);
    expect(out).toMatch(/^Wrote .*: .*, 1 tenant, 2 events\.$/);
    expect([err, code]).toEqual([
      'The ledger is wrong in 1 balance, here and in the copy: hodei usage verify',
      9,
    ]);
    const { out: json } = await home.run(['db', 'backup', `${backup}.json`, '--json']);
    expect(JSON.parse(json)).toMatchObject({ chain_broken_at: null, ledger_differences: 1 });
  });
});

describe('db restore', () => {
  beforeEach(async () => {
    await createTenant('acme');
    await home.run(['db', 'backup', backup]);
    await createTenant('beta');
  });

  it('asks at a terminal, and takes no for an answer', async () => {
    const refused = await home.run(['db', 'restore', backup], { isTerminal: true, answer: false });
    expect(refused).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "? Restore ~/backup.db in the place of ~/data/hodei/hodei.db (2 tenants, 3 events)?
      Nothing was changed.",
        "out": "",
      }
    `);
    expect(await tenants()).toBe('acme\nbeta');
    await home.run(['db', 'restore', backup], { isTerminal: true, answer: true });
    expect(await tenants()).toBe('acme');
  });

  it('needs --yes elsewhere', async () => {
    expect(await home.run(['db', 'restore', backup])).toMatchInlineSnapshot(`
      {
        "code": 2,
        "err": "hodei: Restore ~/backup.db in the place of ~/data/hodei/hodei.db (2 tenants, 3 events)? Nobody is here to answer.
             Say it beforehand with --yes.",
        "out": "",
      }
    `);
    expect(await tenants()).toBe('acme\nbeta');
  });

  it('brings back what was, and notes it in the audit', async () => {
    const words = ['db', 'restore', backup, '--yes', '--reason', 'wrong bulk edit', '--as', 'ana'];
    expect(await home.run(words)).toEqual({
      out: 'Restored ~/backup.db: 1 tenant, 3 events.',
      err: '',
      code: 0,
    });
    expect(await tenants()).toBe('acme');
    const { out } = await home.run('audit list --operation db.restore --json');
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
    expect(JSON.parse(out)).toMatchObject({
      items: [
        {
          sequence: 3,
          acting_as: 'ana',
          reason: 'wrong bulk edit',
          before: { events: 3, hash },
          after: { file: '~/backup.db', events: 2, hash },
        },
      ],
    });
    expect((await home.run('doctor')).code).toBe(0);
    const beside = readdirSync(dirname(home.database)).filter((name) => name.includes('restore'));
    expect(beside).toEqual([]);
  });

  it('rehearses with --dry-run', async () => {
    const before = dump(home.database);
    expect(await home.run(['db', 'restore', backup, '--dry-run'])).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "Would restore ~/backup.db (1 tenant, 2 events, verified) in the place of ~/data/hodei/hodei.db (2 tenants, 3 events). Nothing was changed.",
      }
    `);
    expect(dump(home.database)).toEqual(before);
  });

  it('can create the database', async () => {
    const elsewhere = join(home.folder, 'new', 'hodei.db');
    const words = ['db', 'restore', backup, '--yes', '--db', elsewhere];
    expect((await home.run(words)).out).toBe('Restored ~/backup.db: 1 tenant, 3 events.');
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(elsewhere)).mode & 0o777).toBe(0o700);
    expect((await home.run(['tenant', 'list', '-o', 'name', '--db', elsewhere])).out).toBe('acme');
  });

  it('puts a damaged database right', async () => {
    damagePages(home.database);
    expect((await home.run('doctor')).code).toBe(9);
    await home.run(['db', 'restore', backup, '--yes']);
    expect(await tenants()).toBe('acme');
    expect((await home.run('doctor')).code).toBe(0);
  });

  it.each([
    ['is not there', undefined],
    ['is empty', ''],
    ['is something else', 'Dear diary, this is not a database. '.repeat(20)],
  ])('refuses a backup that %s', async (_, content) => {
    const before = dump(home.database);
    const file = join(home.folder, 'other');
    if (content !== undefined) writeFileSync(file, content);
    expect(await home.run(['db', 'restore', file, '--yes'])).toEqual({
      out: '',
      err:
        content === undefined
          ? 'hodei: There is no file ~/other.'
          : 'hodei: ~/other is not a backup of a hodei database. Nothing was changed.',
      code: 7,
    });
    expect(dump(home.database)).toEqual(before);
  });

  it('refuses a backup in which the chain of events is broken', async () => {
    onFile(backup, (connection) => connection.exec(`delete from event where sequence = 1`));
    expect(await home.run(['db', 'restore', backup, '--yes'])).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: Database error: the chain of events is broken at number 1: there is no event 1
             Something other than hodei changed the events. Nothing was written.",
        "out": "",
      }
    `);
    expect(await tenants()).toBe('acme\nbeta');
  });

  it('refuses a backup whose ledger is wrong, until it is repaired there', async () => {
    spoilLedger(backup);
    for (const more of ['--yes', '--dry-run']) {
      expect(await home.run(['db', 'restore', backup, more])).toEqual({
        out: '',
        err: [
          'hodei: Database error: 1 of 1 balance differs from what live jobs hold',
          '       Nothing was changed. Repair it there first: hodei usage verify --repair --db ~/backup.db',
        ].join('\n'),
        code: 7,
      });
    }
    expect(await tenants()).toBe('acme\nbeta');
    await home.run(['usage', 'verify', '--repair', '--yes', '--db', backup]);
    expect((await home.run(['db', 'restore', backup, '--yes'])).code).toBe(0);
    expect(await tenants()).toBe('acme');
  });

  it('refuses a backup that is damaged, or of a newer hodei', async () => {
    plantNewerSchema(backup);
    const newer = await home.run(['db', 'restore', backup, '--yes']);
    expect(newer.err).toMatch(/^hodei: The database has schema 99, and this hodei knows/);
    damagePages(backup);
    const damaged = await home.run(['db', 'restore', backup, '--yes']);
    expect([damaged.out, damaged.code]).toEqual(['', 7]);
    expect(await tenants()).toBe('acme\nbeta');
  });

  it('does not write over a file that is not hodei’s', async () => {
    const other = join(home.folder, 'other.db');
    onFile(other, (connection) => connection.exec('create table precious (id)'));
    const words = ['db', 'restore', backup, '--yes', '--db', other];
    expect(await home.run(words)).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: ~/other.db is not a hodei database.
             Name another file with --db, or move this one away.",
        "out": "",
      }
    `);
    const garbage = join(home.folder, 'garbage.db');
    writeFileSync(garbage, 'x'.repeat(9000));
    const onGarbage = await home.run(['db', 'restore', backup, '--yes', '--db', garbage]);
    expect(onGarbage).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: ~/garbage.db is damaged so far that nothing can be written into it.
             Move it away with ~/garbage.db-wal and ~/garbage.db-shm, then restore again.",
        "out": "",
      }
    `);
  });
});

/** Makes the second half of the file unreadable. */
function damagePages(path: string): void {
  onFile(path, (connection) => connection.pragma('wal_checkpoint(TRUNCATE)'));
  const size = statSync(path).size;
  const keep = Math.floor(size / 4096 / 2) * 4096;
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Buffer.alloc(size - keep, 0x55), 0, size - keep, keep);
  closeSync(descriptor);
}
