import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';

let home: CliHome;

beforeEach(() => {
  home = newCliHome();
});
afterEach(() => home.remove());

const SERVER = 'http://127.0.0.1:1';

function writeConfig(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Where a command looked for a database that is nowhere. */
async function lookedAt(words: string, env: Record<string, string> = {}): Promise<string> {
  const { err } = await home.run(`tenant list ${words}`.trim(), { env });
  return /There is no database at (.*)\./.exec(err)?.[1] ?? err;
}

describe('the database file', () => {
  it('is in the data folder of the user when nothing is said', async () => {
    expect(await lookedAt('')).toBe('~/data/hodei/hodei.db');
  });

  it('is where the config file says, seen from its folder', async () => {
    writeConfig(home.config, 'database:\n  path: ../here.db\n');
    expect(await lookedAt('')).toBe('~/config/here.db');
  });

  it('is where HODEI_DB says, before the config file', async () => {
    writeConfig(home.config, 'database:\n  path: here.db\n');
    expect(await lookedAt('', { HODEI_DB: '/tmp/env.db' })).toBe('/tmp/env.db');
    expect(await lookedAt('', { HODEI_DB: '' })).toBe('~/config/hodei/here.db');
  });

  it('is where --db says, before anything else', async () => {
    expect(await lookedAt('--db /tmp/flag.db', { HODEI_DB: '/tmp/env.db' })).toBe('/tmp/flag.db');
    expect(await lookedAt('--db flag.db')).toBe(join(process.cwd(), 'flag.db'));
  });

  it('has a name', async () => {
    const { err, code } = await home.run(['tenant', 'list', '--db', '']);
    expect([err, code]).toEqual(['hodei: The name of the database file is empty.', 2]);
  });
});

describe('the config file', () => {
  it('is named by a flag before the environment', async () => {
    const flag = writeConfig(join(home.folder, 'flag.yaml'), 'database:\n  path: flag.db\n');
    const env = writeConfig(join(home.folder, 'env.yaml'), 'database:\n  path: env.db\n');
    expect(await lookedAt('', { HODEI_CONFIG_PATH: env })).toBe('~/env.db');
    expect(await lookedAt(`--config ${flag}`, { HODEI_CONFIG_PATH: env })).toBe('~/flag.db');
  });

  it('is not taken from the folder that somebody happens to stand in', async () => {
    const folder = join(home.folder, 'checkout');
    writeConfig(join(folder, 'config.yaml'), 'database:\n  path: stray.db\n');
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect(await lookedAt('')).toBe('~/data/hodei/hodei.db');
    } finally {
      process.chdir(before);
    }
  });

  it('has to be there when it is named', async () => {
    const env = { HODEI_CONFIG_PATH: '/nowhere/config.yaml' };
    const { err, code } = await home.run('tenant list', { env });
    expect(err).toMatch(/^hodei: There is no config file at \/nowhere\/config\.yaml\.\n/);
    expect(code).toBe(7);
  });

  it('stops every command while it is wrong', async () => {
    writeConfig(home.config, 'server:\n  port: eighty\n');
    expect(await home.run('tenant list')).toEqual({
      out: '',
      err: 'hodei: ~/config/hodei/config.yaml:2:9: server.port: expected a whole number from 0 to 65535, found "eighty"',
      code: 2,
    });
  });
});

describe('the server', () => {
  const refusal = async (words: string, options?: RunOptions) => {
    const { err, code } = await home.run(words, options);
    return [err.split('\n')[0], code];
  };

  it('is named by a flag or by HODEI_SERVER', async () => {
    const env = { HODEI_SERVER: SERVER };
    expect(await refusal('tenant list', { env })).toEqual([expect.stringContaining(SERVER), 7]);
    expect(await refusal(`tenant list --server ${SERVER}`)).toEqual([
      expect.stringContaining(SERVER),
      7,
    ]);
  });

  it('gives way to --db', async () => {
    expect(await lookedAt('--db /tmp/flag.db', { HODEI_SERVER: SERVER })).toBe('/tmp/flag.db');
  });

  it('cannot be named together with a file', async () => {
    expect(await refusal(`tenant list --server ${SERVER} --db x.db`)).toEqual([
      'hodei: --db and --server name two places. Name one of them.',
      2,
    ]);
  });

  it.each(['db status', 'db migrate', 'db backup x', 'db restore x --yes'])(
    'is nothing that hodei %s could work on',
    async (words) => {
      expect(await refusal(`${words} --server ${SERVER}`)).toEqual([
        'hodei: hodei db works on a database file, and --server names a server.',
        2,
      ]);
      expect(await refusal(words, { env: { HODEI_SERVER: SERVER } })).toEqual([
        expect.stringContaining('HODEI_SERVER names a server'),
        2,
      ]);
    },
  );
});

describe('who acts', () => {
  async function lastEvent() {
    const { out } = await home.run('audit list --limit 1 --json');
    return (JSON.parse(out) as { items: Record<string, unknown>[] }).items[0];
  }
  const create = ['tenant', 'create', 'acme', '--email', 'ops@acme.example'];

  it('is the user of the operating system', async () => {
    await home.run(create);
    expect(await lastEvent()).toMatchObject({ principal: userInfo().username, acting_as: null });
  });

  it.runIf(process.getuid?.() === 0)('is who called sudo', async () => {
    await home.run(create, { env: { SUDO_USER: 'ana' } });
    expect(await lastEvent()).toMatchObject({ principal: 'ana' });
  });

  it('is noted with a name and a reason beside it', async () => {
    await home.run([...create, '--as', 'release bot', '--reason', 'new team']);
    expect(await lastEvent()).toMatchObject({ acting_as: 'release bot', reason: 'new team' });
  });

  it.each([
    ['--as', 'a\u001b[2J', '--as contains control or invisible characters.'],
    ['--as', 'x'.repeat(101), '--as has 101 characters, and 100 are kept.'],
    ['--reason', 'x'.repeat(501), '--reason has 501 characters, and 500 are kept.'],
    ['--reason', ' ', '--reason is empty.'],
  ])('does not note %s %j', async (flag, text, message) => {
    expect(await home.run([...create, flag, text])).toEqual({
      out: '',
      err: `hodei: ${message}`,
      code: 2,
    });
  });
});

describe('a dry run on a database that is not there', () => {
  it('says what would follow, and leaves nothing behind', async () => {
    expect(await home.run('tenant create acme --email ops@acme.example --dry-run')).toEqual({
      out: 'Would create acme. Nothing was changed.',
      err: '',
      code: 0,
    });
    expect(existsSync(home.database)).toBe(false);
  });
});
