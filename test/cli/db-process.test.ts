import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeLarge, TENANTS } from '../helpers/large.ts';
import { newFolder, onFile, removeFolder } from '../helpers/store.ts';

const door = join(import.meta.dirname, '../../bin/hodei.js');

let folder: string;
let database: string;

beforeEach(() => {
  folder = newFolder();
  database = join(folder, 'data', 'hodei.db');
});
afterEach(() => removeFolder(folder));

/** Runs a script in which `hodei` is the real program on the database of the test. */
function bash(script: string) {
  const hodei = `hodei() { "${process.execPath}" "${door}" "$@" --db "${database}"; }`;
  const env = { PATH: process.env['PATH'], HOME: folder };
  return spawnSync('bash', ['-c', `${hodei}\n${script}`], { env, encoding: 'utf8' });
}

describe('a reader who leaves early', () => {
  it('ends a list quietly', async () => {
    await makeLarge(database, 'ops@a.example');
    const script = 'hodei tenant list -o name | head -1; echo "${PIPESTATUS[0]}"';
    const { stdout, stderr } = bash(script);
    expect(stderr).toBe('');
    expect(stdout).toBe('a-tenant-with-a-rather-long-name-1\n0\n');
  });

  it('does not stop a change half way', async () => {
    await makeLarge(database, 'ops@a.example');
    bash('hodei db migrate');
    onFile(database, (connection) => {
      connection.exec(
        `insert into scope (tenant, version, updated_at) select id, 1, 0 from tenant`,
      );
      connection.exec(`delete from tenant_label; insert into tenant_label
        select id, 'tier', 'trial' from tenant where id <= 2000`);
    });
    const { stdout, stderr } = bash(
      'hodei tenant suspend -l tier=trial | true; echo "${PIPESTATUS[0]}"',
    );
    expect([stdout, stderr]).toEqual(['0\n', '']);
    const suspended = onFile(database, (connection) =>
      connection.prepare(`select count(*) from tenant where status = 'suspended'`).pluck().get(),
    );
    expect(suspended).toBe(2000);
    expect(TENANTS).toBeGreaterThan(2000);
  });
});

describe('a disk that takes no results', () => {
  it('is no success', async () => {
    bash('hodei db migrate');
    const { stderr, status } = bash('hodei db status >/dev/full');
    expect(stderr).toBe('hodei: The results could not be written: no space left on device.\n');
    expect(status).toBe(7);
    expect(bash('hodei db status 2>/dev/full').status).toBe(0);
  });
});

describe('files', () => {
  it.each(['000', '022', '077'])('are private whatever the umask is (%s)', (umask) => {
    const backup = join(folder, 'backup.db');
    const { stderr, status } = bash(
      `umask ${umask}
       set -e
       hodei tenant create acme --email ops@acme.example >/dev/null
       hodei config init --file "${folder}/etc/config.yaml" >/dev/null
       hodei db backup "${backup}" >/dev/null
       hodei db restore "${backup}" --yes >/dev/null
       hodei doctor`,
    );
    expect([stderr, status]).toEqual(['', 0]);
    const modes = [database, backup, join(folder, 'etc/config.yaml'), join(folder, 'etc')].map(
      (path) => (statSync(path).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['600', '600', '600', '700']);
    for (const name of readdirSync(join(folder, 'data'))) {
      expect(statSync(join(folder, 'data', name)).mode & 0o077, name).toBe(0);
    }
    expect((statSync(join(folder, 'data')).mode & 0o777).toString(8)).toBe('700');
  });

  it.each(['000', '022', '077'])('are so while a server has them open (%s)', (umask) => {
    const { stdout, status } = bash(
      `umask ${umask}
       hodei tenant create acme --email ops@acme.example >/dev/null
       "${process.execPath}" "${door}" serve --port 0 --db "${database}" >"${folder}/log" 2>&1 &
       for i in $(seq 100); do grep -q http "${folder}/log" && break; sleep 0.1; done
       stat -c '%a %n' "${folder}/data" "${database}" "${database}-wal" "${database}-shm"
       kill $! && wait $!`,
    );
    const modes = stdout.trim().replaceAll(folder, '~').split('\n');
    expect([modes, status]).toEqual([
      ['700 ~/data', '600 ~/data/hodei.db', '600 ~/data/hodei.db-wal', '600 ~/data/hodei.db-shm'],
      0,
    ]);
  });
});
