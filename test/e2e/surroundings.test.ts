import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { door, newHome, type Home } from './hodei.ts';

let home: Home;

beforeEach(() => {
  home = newHome();
});
afterEach(() => home.remove());

function hodei(words: string, env: Record<string, string> = {}, cwd = home.folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [door, ...words.split(' ')], {
    env: { ...home.env, ...env },
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const create = 'tenant create acme --email ops@acme.example';

describe('a home that is none', () => {
  it.each(['', 'relative'])('of "%s" puts nothing into the folder one stands in', (HOME) => {
    const folder = join(home.folder, 'checkout');
    mkdirSync(folder);
    const { code, err } = hodei(create, { HOME }, folder);
    expect([code, readdirSync(folder)]).toEqual([7, []]);
    expect(err).toContain('Set HOME, or name the files with --db and --config.');
  });

  it('does not matter where the database is named', () => {
    expect(hodei(`${create} --db named.db`, { HOME: '' }).code).toBe(0);
    expect(hodei('tenant get acme -o name --db named.db', { HOME: '' }).out).toBe('acme\n');
  });
});

describe('results that cannot be written', () => {
  it('are told apart from a change that was not done', () => {
    const shell = `${process.execPath} ${door} ${create} >/dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', shell], { env: home.env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      7,
      expect.stringContaining('What was asked for was done all the same.'),
    ]);
    expect(hodei('tenant get acme -o name').out).toBe('acme\n');
  });
});

describe('a server that does not start', () => {
  it.each([
    ['where others would reach it', 'serve --host 0.0.0.0 --port 0', {}],
    ['with a log level that does not exist', 'serve --port 0', { HODEI_LOG: 'loud' }],
  ])('%s has changed nothing', (_where, words, env) => {
    expect(hodei(words, env).code).toBe(2);
    expect(existsSync(join(home.folder, '.local'))).toBe(false);
  });

  it('because its port is taken has not put the config file in force', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    hodei(create);
    writeFileSync(join(home.folder, 'config.yaml'), 'resources:\n  - name: license\n');
    const { code, err } = hodei(`serve --port ${port}`);
    other.close();
    expect([code, err]).toEqual([7, expect.stringContaining(`Port ${port}`)]);
    expect(hodei('audit list --operation config.apply -o name').out).toBe('1\n');
  });
});
