import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Role } from '../../src/domain/role.ts';
import { createToken } from '../../src/service/tokens.ts';
import { newCliHome, type CliHome, type RunOptions } from '../helpers/cli.ts';
import { fakeServer, startTestServer, type TestServer } from '../http/helpers.ts';

let home: CliHome;
let server: TestServer;

beforeEach(async () => {
  home = newCliHome();
  server = await startTestServer();
});
afterEach(async () => {
  await server.stop();
  home.remove();
});

const contextsFile = () => join(home.folder, 'config/hodei/contexts.json');

async function newToken(name: string, role: Role = 'viewer'): Promise<string> {
  const { secret } = await server.behind.call(createToken, { name, role });
  return String(secret);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

const login = (words = '', options: RunOptions = {}) =>
  home.run(`login --server ${server.url} ${words}`.trim(), options);

/** What comes in through a pipe. */
const piped = (text: string): RunOptions => ({ host: () => ({ readText: async () => text }) });

const whoami = async (words = '', env: Record<string, string> = {}) =>
  (await home.run(`whoami -o name ${words}`.trim(), { env })).out;

describe('login', () => {
  it('says who one is, keeps it for nobody else to read, and acts there from then on', async () => {
    const token = await newToken('ana');
    const { out, err, code } = await login('--context prod', piped(`${token}\n`));
    expect([out, code]).toEqual([
      `Logged in to ${server.url} as ana (viewer), by the token ana.`,
      0,
    ]);
    expect(err).toBe('The context prod is current; back to the file here: hodei context use local');
    expect([modeOf(contextsFile()), modeOf(join(contextsFile(), '..'))]).toEqual(['600', '700']);
    expect(await whoami()).toBe('ana');
  });

  it('asks at a terminal, without showing what is typed', async () => {
    const secret = await newToken('ana');
    const { out, err } = await login('', { isTerminal: true, secret });
    expect(err).toContain(`? Token for ${server.url} (not shown; none, if it wants none): `);
    expect(out + err).not.toContain(secret);
    expect(await whoami()).toBe('ana');
  });

  it('takes the token of a file before that of the environment, and that before a pipe', async () => {
    const file = join(home.folder, 'token');
    writeFileSync(file, await newToken('of-file'), { mode: 0o600 });
    const env = { HODEI_TOKEN: await newToken('of-environment') };
    const pipe = piped(await newToken('of-pipe'));
    const who = async (words: string, options: RunOptions) =>
      (await login(words, options)).out.replace(/.* as (\S+) .*/, '$1');
    expect(await who(`--token-file ${file}`, { ...pipe, env })).toBe('of-file');
    expect(await who('', { ...pipe, env })).toBe('of-environment');
    expect(await who('', pipe)).toBe('of-pipe');
  });

  it('needs no token where none is asked for', async () => {
    expect((await login('', piped(''))).out).toBe(
      `Logged in to ${server.url} as anonymous (admin): no token is asked for.`,
    );
    expect(await whoami()).toBe('anonymous');
  });

  it('keeps nothing of a token that the server does not take', async () => {
    await newToken('ana');
    const wrong = `hod_${'b'.repeat(12)}_${'0'.repeat(64)}`;
    for (const text of [wrong, 'no token', '']) {
      const { out, err, code } = await login('', piped(text));
      expect([out, code]).toEqual(['', text === 'no token' ? 2 : 4]);
      expect(err).not.toMatch(/0000/);
    }
    expect(existsSync(contextsFile())).toBe(false);
  });

  it('leaves what was there when the question is left', async () => {
    const { code } = await login('', { isTerminal: true });
    expect([code, existsSync(contextsFile())]).toEqual([130, false]);
  });

  it('is named by the host where no name is given, and once for every server', async () => {
    await login('', piped(await newToken('one')));
    await login('', piped(await newToken('two')));
    expect((await home.run('context list -o name')).out).toBe('local\nserver-127-0-0-1');
    expect(await whoami()).toBe('two');
    const other = await fakeServer((_, response) => void response.end('{}'));
    const { err, code } = await home.run(`login --server ${other.url}`, piped(''));
    await other.stop();
    expect([code, err.split('\n')[1]]).toEqual([5, '       Name this one: --context NAME']);
  });

  it.each([
    ['login', 'Which server?'],
    ['login --server http://127.0.0.1:1 --context local', 'The context local is the file here.'],
    ['login --server http://127.0.0.1:1 --context A', "a context's name has 1 to 63 of a-z"],
    ['login --server http://127.0.0.1:1 --ca x.pem', '--ca is for a server at https://'],
    ['login --server https://127.0.0.1:1 --ca /nowhere.pem', '/nowhere.pem cannot be read'],
  ])('refuses "%s"', async (words, message) => {
    const { err, code } = await home.run(words, piped(''));
    expect([code, err.slice(7, 7 + message.length)]).toEqual([2, message]);
  });
});

describe('context', () => {
  beforeEach(async () => {
    await home.run('tenant create acme --email ops@acme.example');
    await login('--context prod', piped(await newToken('ana')));
  });

  it('list shows where commands act, and no token', async () => {
    const { out } = await home.run('context list');
    expect(out).toBe(`\tlocal\tthe file here\t-\t-\n*\tprod\t${server.url}\tkept\t-`);
    expect((await home.run('context list --json')).out).not.toContain('hod_');
  });

  it('use goes back to the file here, and to the server', async () => {
    const { username } = await import('node:os').then(({ userInfo }) => userInfo());
    expect((await home.run('context use local')).out).toBe(
      'Commands act on the file here (context local).',
    );
    expect(await whoami()).toBe(username);
    await home.run('context use prod');
    expect(await whoami()).toBe('ana');
    const { err, code } = await home.run('context use prood');
    expect([code, err]).toEqual([3, 'hodei: Context not found: prood\n       Did you mean prod?']);
  });

  it('delete forgets the token, and comes back to the file here', async () => {
    expect((await home.run('context delete prod')).code).toBe(2);
    expect((await home.run('context delete prod --yes')).out).toBe(
      'Forgot prod. Commands act on the file here (context local).',
    );
    expect(readFileSync(contextsFile(), 'utf8')).not.toContain('hod_');
    expect((await home.run('context delete local --yes')).code).toBe(2);
  });

  it('gives way to the environment, and that to flags', async () => {
    const { username } = await import('node:os').then(({ userInfo }) => userInfo());
    expect(await whoami('', { HODEI_CONTEXT: 'local' })).toBe(username);
    expect(await whoami('', { HODEI_DB: home.database })).toBe(username);
    expect(await whoami('--context prod', { HODEI_DB: home.database })).toBe('ana');
    expect(await whoami(`--db ${home.database}`, { HODEI_CONTEXT: 'prod' })).toBe(username);
    const { err } = await home.run('context list', { env: { HODEI_CONTEXT: 'local' } });
    expect(err).toBe('HODEI_CONTEXT is set, and comes before the current context.');
  });

  it.each([
    ['--context prod --db x.db', {}, '--db and --context'],
    ['', { HODEI_SERVER: 'http://127.0.0.1:1', HODEI_DB: 'x' }, 'HODEI_DB and HODEI_SERVER'],
  ])('is never one of two places: %s %j', async (words, env, names) => {
    const { err, code } = await home.run(`whoami ${words}`.trim(), { env });
    expect([err, code]).toEqual([`hodei: ${names} name two places. Name one of them.`, 2]);
  });

  it('is no place for hodei db, which says so', async () => {
    const { err, code } = await home.run('db status');
    expect([code, err]).toEqual([
      2,
      `hodei: hodei db works on a database file, and the current context, prod, is a server (${server.url}).\n` +
        '       Name the file with --db, or take the usual one here with --context local.',
    ]);
    expect((await home.run('db status --context local')).code).toBe(0);
  });

  it('is no place for hodei serve', async () => {
    const { err } = await home.run('serve --port 0 --context prod');
    expect(err).toBe('hodei: hodei serve is a server itself, and --context names another one.');
  });

  it('lends its token to its own server by whichever URL, and to no other', async () => {
    expect(await whoami(`--server ${server.url}/api/v1/`)).toBe('ana');
    const seen: unknown[] = [];
    const other = await fakeServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end('{}');
    });
    await home.run(`whoami --server ${other.url}`);
    await home.run(`whoami --server ${other.url}`, { env: { HODEI_TOKEN: await newToken('b') } });
    await other.stop();
    expect(seen).toEqual([undefined, expect.stringMatching(/^Bearer hod_/)]);
  });

  it('has to be chosen where several are for one URL, unless one of them is current', async () => {
    await login('--context second', piped(await newToken('bea')));
    expect(await whoami(`--server ${server.url}`)).toBe('bea');
    await home.run('context use local');
    const { err, code } = await home.run(`whoami --server ${server.url}`);
    expect([code, err.split('\n')[0]]).toEqual([
      2,
      `hodei: There are several contexts for ${server.url}: prod, second.`,
    ]);
  });

  it('is refused where others can read the file, with the way out', async () => {
    chmodSync(contextsFile(), 0o640);
    const { err, code } = await home.run('whoami');
    expect([code, err.split('\n')[1]]).toEqual([
      2,
      '       If nobody has read it: chmod 600 ~/config/hodei/contexts.json',
    ]);
    expect((await home.run('doctor')).out).toMatch(/^fail {2}contexts: .*chmod 600/);
    expect((await home.run(`whoami --db ${home.database}`)).code).toBe(0);
  });

  it('is not read through a link to elsewhere', async () => {
    renameSync(contextsFile(), join(home.folder, 'elsewhere'));
    symlinkSync(join(home.folder, 'elsewhere'), contextsFile());
    const { err, code } = await home.run('whoami');
    expect([code, err]).toEqual([2, expect.stringContaining('contexts.json is a link')]);
  });

  it.each(['', '[]', '{"current":"x","contexts":{}}', '{"current":"local","contexts":{"a":7}}'])(
    'is not made up from a file that is damaged, which is not shown: %s',
    async (text) => {
      writeFileSync(contextsFile(), `${text} hod_secret`);
      const { err, code } = await home.run('whoami');
      expect([code, err]).toEqual([
        2,
        expect.stringContaining('is not a file of contexts any more'),
      ]);
      expect(err).not.toContain('hod_secret');
    },
  );

  it('is seen by the doctor, with who one is there', async () => {
    const { out, code } = await home.run('doctor');
    expect(out).toContain('ok    you are ana (viewer), by the token ana\n');
    expect(out).toContain('ok    contexts: 1 server, prod is current');
    expect(code).toBe(0);
  });

  it('makes a folder that others could read its own', async () => {
    chmodSync(join(contextsFile(), '..'), 0o755);
    await home.run('context use local');
    expect(modeOf(join(contextsFile(), '..'))).toBe('700');
  });
});

describe('a token in the environment', () => {
  it('is read from a file that nobody else can read, also through a link', async () => {
    const file = join(home.folder, 'token');
    writeFileSync(file, `${await newToken('ana')}\n`, { mode: 0o600 });
    symlinkSync(file, `${file}.link`);
    const env = { HODEI_SERVER: server.url, HODEI_TOKEN_FILE: `${file}.link` };
    expect(await whoami('', env)).toBe('ana');
    chmodSync(file, 0o644);
    const { err, code } = await home.run('whoami', { env });
    expect([code, err]).toEqual([2, expect.stringContaining('chmod 600 ~/token.link')]);
  });

  it.each([
    [{ HODEI_TOKEN: 'geheim' }, 'hodei: HODEI_TOKEN holds no token of hodei.'],
    [
      { HODEI_TOKEN_FILE: '/nowhere' },
      'hodei: There is no file /nowhere, which HODEI_TOKEN_FILE names.',
    ],
  ])('is refused when it is none: %j', async (token, message) => {
    const env = { HODEI_SERVER: server.url, ...token };
    const { err, code } = await home.run('whoami', { env });
    expect([code, err.split('\n')[0]]).toEqual([2, message]);
    expect(err).not.toContain('geheim');
  });

  it('that the server does not take is named, with the way to another', async () => {
    const env = { HODEI_SERVER: server.url, HODEI_TOKEN: await newToken('ana') };
    const wrong = { ...env, HODEI_TOKEN: `hod_${'b'.repeat(12)}_${'0'.repeat(64)}` };
    const { err, code } = await home.run('whoami', { env: wrong });
    expect([code, err]).toEqual([
      4,
      'hodei: Nobody here has given this token out.\n' +
        `       The token is that of HODEI_TOKEN. For another one: hodei login --server ${server.url}`,
    ]);
  });
});
