import Sqlite from 'better-sqlite3';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { onFile } from '../helpers/store.ts';

const door = join(import.meta.dirname, '../../bin/hodei.js');

let home: CliHome;
let started: ChildProcess[];

beforeEach(() => {
  home = newCliHome();
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  home.remove();
});

interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote until now. */
  out(): string;
  err(): string;
  /** Its exit code once it has ended. */
  ended: Promise<number | null>;
}

/** A real process of `hodei serve`, once it listens. */
async function startServer(
  words: readonly string[] = [],
  { env = {}, cwd = home.folder }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Server> {
  const child = spawn(process.execPath, [door, 'serve', '--port', '0', ...words], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: home.folder,
      XDG_CONFIG_HOME: join(home.folder, 'config'),
      XDG_DATA_HOME: join(home.folder, 'data'),
      ...env,
    },
  });
  started.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      if (err.includes('listening on')) resolve();
    });
    void ended.then(() => resolve());
  });
  const url = /listening on (\S+)/.exec(err)?.[1] ?? '';
  return { url, child, out: () => out, err: () => err, ended };
}

function post(url: string, name: string): Promise<Response> {
  return fetch(`${url}/api/v1/tenants`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, email: `ops@${name}.example` }),
  });
}

/** A request of which the second half is sent later. */
function halfARequest(url: string, name: string) {
  const body = JSON.stringify({ name, email: `ops@${name}.example` });
  const sent = request(`${url}/api/v1/tenants`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    sent.on('response', (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    sent.on('error', reject);
  });
  sent.write(body.slice(0, 10));
  return { status, finish: () => sent.end(body.slice(10)) };
}

interface Items {
  readonly items: readonly { readonly name: string }[];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('hodei serve', () => {
  it('says where it listens, answers, and logs in JSON', async () => {
    const server = await startServer();
    expect(server.err()).toBe(`listening on ${server.url}\n`);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await post(server.url, 'acme')).status).toBe(201);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    const lines = server.out().trimEnd().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries[0]).toMatchObject({ operation: 'tenant.create', status: 201, level: 'info' });
    expect(statSync(home.database).mode & 0o777).toBe(0o600);
  });

  it('finishes what is under way when it is told to stop, and leaves no WAL', async () => {
    const server = await startServer();
    const slow = halfARequest(server.url, 'slow');
    await pause(200);
    server.child.kill('SIGTERM');
    await pause(200);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    slow.finish();
    expect(await slow.status).toBe(201);
    expect(await server.ended).toBe(0);
    expect(readdirSync(dirname(home.database))).toEqual(['hodei.db']);
    expect((await home.run('tenant list -o name')).out).toBe('slow');
  });

  it('answers what only reads while a change waits for another process', async () => {
    const server = await startServer();
    await post(server.url, 'acme');
    const other = new Sqlite(home.database);
    other.exec('begin immediate');
    let isAnswered = false;
    const created = post(server.url, 'beta').finally(() => (isAnswered = true));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const { items } = (await (await fetch(`${server.url}/api/v1/tenants`)).json()) as Items;
    expect([items.map(({ name }) => name), isAnswered]).toEqual([['acme'], false]);
    other.close();
    expect((await created).status).toBe(201);
  });

  it('loses nothing that it acknowledged when it is told to stop under load', async () => {
    const server = await startServer([], { env: { HODEI_LOG: 'silent' } });
    const acknowledged: string[] = [];
    const load = async (client: number) => {
      for (let i = 0; ; i++) {
        const name = `t-${client}-${i}`;
        const reply = await post(server.url, name).catch(() => undefined);
        // What was not taken any more may have been refused or cut off, and nothing else.
        if (reply?.status !== 201) return reply?.status;
        acknowledged.push(name);
        if (acknowledged.length === 300) server.child.kill('SIGTERM');
      }
    };
    const ends = await Promise.all(Array.from({ length: 32 }, (_, client) => load(client)));
    expect(new Set(ends)).toEqual(new Set([undefined]));
    expect(await server.ended).toBe(0);
    expect(readdirSync(dirname(home.database))).toEqual(['hodei.db']);
    const kept = onFile(home.database, (connection) =>
      connection.prepare('select name from tenant').pluck().all(),
    );
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
  });

  it('ends with 130 on Ctrl-C, and at once on the second', async () => {
    const quiet = await startServer();
    quiet.child.kill('SIGINT');
    expect(await quiet.ended).toBe(130);

    const busy = await startServer();
    const slow = halfARequest(busy.url, 'slow');
    slow.status.catch(() => undefined);
    await pause(200);
    busy.child.kill('SIGINT');
    await pause(200);
    busy.child.kill('SIGINT');
    expect(await busy.ended).toBeNull();
    expect(busy.child.signalCode).toBe('SIGINT');
  });

  it('puts its config file in force, and says what changed', async () => {
    await home.run('tenant create acme --email ops@acme.example');
    writeFileSync(
      join(home.folder, 'config.yaml'),
      'resources: [{name: license, unit: seats, default_limit: 2}]\n',
    );
    const server = await startServer();
    expect(server.err()).toBe(
      [
        'resources.license.unit: (none) → seats',
        'resources.license.default_limit: (none) → 2',
        'config.yaml is in force as revision 2.',
        `listening on ${server.url}`,
        '',
      ].join('\n'),
    );
    const { out } = await home.run(`audit list --limit 1 --json --server ${server.url}`);
    expect(JSON.parse(out)).toMatchObject({
      items: [{ operation: 'config.apply', reason: 'hodei serve' }],
    });
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    const again = await startServer();
    expect(again.err()).toBe(`listening on ${again.url}\n`);
  });

  it('takes host, port and log level from the config, and flags and HODEI_LOG before it', async () => {
    const config = join(home.folder, 'other.yaml');
    writeFileSync(config, 'server: {port: 1}\nobservability: {logging: {level: silent}}\n');
    const silent = await startServer(['--config', config]);
    await fetch(`${silent.url}/healthz`);
    silent.child.kill('SIGTERM');
    await silent.ended;
    expect(silent.out()).toBe('');
    const talking = await startServer(['--config', config], { env: { HODEI_LOG: 'info' } });
    await fetch(`${talking.url}/healthz`);
    talking.child.kill('SIGTERM');
    await talking.ended;
    expect(talking.out()).toContain('/healthz');
  });

  it('goes on while its database is restored under it', async () => {
    const server = await startServer();
    await post(server.url, 'acme');
    const backup = join(home.folder, 'backup.db');
    await home.run(['db', 'backup', backup]);
    await post(server.url, 'beta');
    expect((await home.run(['db', 'restore', backup, '--yes'])).code).toBe(0);
    expect((await post(server.url, 'gamma')).status).toBe(201);
    expect((await home.run('tenant list -o name')).out).toBe('acme\ngamma');
    expect((await home.run('doctor')).code).toBe(0);
    expect((await home.run(`doctor --server ${server.url}`)).out).toContain('ok');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });
});

describe('hodei serve ends, and says why', () => {
  it('when the database turns out to be damaged', async () => {
    const server = await startServer();
    for (let i = 0; i < 40; i++) await post(server.url, `tenant-of-${i}`);
    onFile(home.database, (connection) => connection.pragma('wal_checkpoint(truncate)'));
    writeFileSync(home.database, Buffer.alloc(statSync(home.database).size, 0x55));
    const { status } = await fetch(`${server.url}/api/v1/tenants?limit=500`).catch(() => ({
      status: 500,
    }));
    expect(status).toBe(500);
    expect(await server.ended).toBe(7);
    expect(server.err()).toMatch(/hodei: Database error: .*(malformed|not a database)/);
  });

  it.each([
    ['writer', 'process.exit(3)', 'it ended with 3.'],
    ['writer', `throw new Error('a fault')`, 'Error: a fault'],
    ['reader', `Promise.reject(new Error('a fault'))`, 'Error: a fault'],
  ])('when its %s dies of %s', async (name, end, why) => {
    const signal = join(home.folder, 'die');
    const script = join(home.folder, 'die.cjs');
    writeFileSync(
      script,
      `const { isMainThread, workerData } = require('node:worker_threads');
       const isMeant = !isMainThread && workerData.writes === ${name === 'writer'};
       const end = () => { ${end}; };
       const look = () => { if (require('node:fs').existsSync(${JSON.stringify(signal)})) end(); };
       if (isMeant) setInterval(look, 5);`,
    );
    const server = await startServer([], { env: { NODE_OPTIONS: `--require ${script}` } });
    expect((await post(server.url, 'acme')).status).toBe(201);
    writeFileSync(signal, '');
    expect(await server.ended).toBe(1);
    expect(server.err()).toContain(`hodei: The thread "hodei ${name}" has died: ${why}`);
    expect((await home.run('tenant list -o name')).out).toBe('acme');
  });

  it('when the database is moved away', { timeout: 20_000 }, async () => {
    const server = await startServer();
    renameSync(home.database, `${home.database}.old`);
    expect(await server.ended).toBe(7);
    expect(server.err()).toContain('was moved away or replaced while hodei served it.');
  });

  it.each([
    [['--port', '70000'], /^hodei: A port is a whole number from 0 to 65535: "70000"\n$/, 2],
    [['--host', '0.0.0.0'], /^hodei: On 0\.0\.0\.0 other machines could change everything/, 2],
    [['--server', 'http://x'], /^hodei: hodei serve is a server itself/, 2],
    [['--config', 'none.yaml'], /^hodei: There is no config file at .*none\.yaml\.\n/, 7],
  ])('when it is started with %j', async (words, message, code) => {
    const server = await startServer(words);
    expect([await server.ended, server.err()]).toEqual([code, expect.stringMatching(message)]);
  });

  it('when HODEI_LOG is no level', async () => {
    const server = await startServer([], { env: { HODEI_LOG: 'loud' } });
    expect(await server.ended).toBe(2);
    expect(server.err()).toBe(
      'hodei: HODEI_LOG is "loud".\n       It is one of: trace, debug, info, warn, error, silent.\n',
    );
  });

  it('when the file is not a database', async () => {
    mkdirSync(dirname(home.database), { recursive: true });
    writeFileSync(home.database, 'x'.repeat(9000));
    const server = await startServer();
    expect(await server.ended).toBe(7);
  });
});
