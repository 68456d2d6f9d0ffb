import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfSecret } from '../../src/service/token-secret.ts';
import { parseToken } from '../../src/domain/token.ts';
import { newHome, type Home } from './hodei.ts';
import { startHodei, type Ended, type Started } from './started.ts';

let home: Home;
let server: Started;
let url: string;
/** Everything that any process wrote, but for the one line that prints a secret. */
const written: string[] = [];
const tokens: Record<string, string> = {};

function start(words: string, env: Record<string, string> = {}): Started {
  return startHodei(home, { ...home.env, HODEI_LOG: 'debug', ...env }, words.split(' '));
}

async function hodei(words: string, env: Record<string, string> = {}, input = ''): Promise<Ended> {
  const { child, ended } = start(words, env);
  child.stdin.end(input);
  const { out, err, code } = await ended;
  written.push(`${words}\n${out}\n${err}`);
  return { out, err, code };
}

async function create(words: string): Promise<string> {
  const { out, err } = await start(`token create ${words}`).ended;
  written.push(err);
  return out.trim();
}

/** As somebody on the server. */
const as = (name: string) => ({ HODEI_SERVER: url, HODEI_TOKEN: tokens[name] ?? '' });

const ask = async (path: string, init: RequestInit = {}) => {
  const reply = await fetch(url + path, init);
  written.push(JSON.stringify([...reply.headers]), await reply.text());
  return reply.status;
};

const bearer = (token = '') => ({ authorization: `Bearer ${token}` });

/** Of the same shape, and nobody's: one digit in sixteen would be its own. */
const withAnotherEnd = (token: string) => token.slice(0, -1) + (token.endsWith('0') ? '1' : '0');

/** Goes wherever a token can go wrong. */
async function makeEveryError(): Promise<number[]> {
  const { admin = '', revoked = '', short = '', agent = '' } = tokens;
  const json = { 'content-type': 'application/json' };
  return [
    await ask('/api/v1/whoami', { headers: bearer(revoked) }),
    await ask('/api/v1/whoami', { headers: bearer(short) }),
    await ask('/api/v1/whoami', { headers: bearer(`${admin.slice(0, -1)}g`) }),
    await ask('/api/v1/whoami', { headers: bearer(withAnotherEnd(admin)) }),
    await ask('/api/v1/whoami', { headers: { authorization: `Basic ${admin}` } }),
    await ask('/api/v1/tokens', { headers: bearer(agent) }),
    await ask('/api/v1/nothing', { headers: bearer(admin) }),
    await ask('/api/v1/tenants', {
      ...{ method: 'POST', body: '{"name":' },
      headers: { ...bearer(admin), ...json },
    }),
    await ask('/api/v1/tenants', {
      ...{ method: 'POST', body: '{"name":"x","email":"x"}' },
      headers: { ...bearer(admin), ...json },
    }),
  ];
}

beforeAll(async () => {
  home = newHome();
  await hodei('tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi');
  tokens['admin'] = await create('ana --role admin');
  tokens['agent'] = await create('ci-runner --role agent --tenant acme -o name');
  tokens['revoked'] = await create('old --role viewer');
  tokens['short'] = await create('short --role viewer --expires 1s');
  await hodei('token revoke old --yes');
  server = start('serve --port 0', { HODEI_LOG: 'trace' });
  url = await server.hear(/listening on (\S+)\n/);
}, 60_000);
afterAll(() => {
  server.child.kill('SIGKILL');
  home.remove();
});

/** Every file below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

/** What must not be found: the whole secret, and either half of it, in hex and as bytes. */
function needles(): Buffer[] {
  return Object.values(tokens).flatMap((token) => {
    const { secret = '' } = parseToken(token) ?? {};
    const halves = [secret.slice(0, 32), secret.slice(32)];
    return [...halves.map((half) => Buffer.from(half)), Buffer.from(secret.slice(0, 32), 'hex')];
  });
}

/** Files with a secret, but for the one that is there for it; also the WAL of a server that runs. */
function filesWithIt(): string[] {
  const files = filesIn(home.folder).filter((path) => !path.endsWith('/contexts.json'));
  return files.filter((path) => {
    const bytes = readFileSync(path);
    return needles().some((needle) => bytes.includes(needle));
  });
}

describe('the secret of a token', () => {
  it('is where it was printed, in the contexts, and nowhere else', async () => {
    expect(Object.values(tokens).map((token) => parseToken(token) !== undefined)).toEqual(
      Array(4).fill(true),
    );
    await useIt();
    await failWithIt();
    await lookForIt();
    expect(filesWithIt()).toEqual([]);
    await stopServer();
    const contexts = join(home.folder, '.config/hodei/contexts.json');
    const files = filesIn(home.folder).filter((path) => path !== contexts);
    expect(files.map((path) => path.replace(/.*\//, ''))).toEqual(
      expect.arrayContaining(['hodei.db', 'backup.db', 'config.yaml', 'served']),
    );
    expect(filesWithIt()).toEqual([]);
    for (const needle of needles()) {
      expect(written.filter((text) => text.includes(needle.toString()))).toEqual([]);
    }
    // Else the search itself would be in doubt.
    expect(readFileSync(contexts, 'utf8')).toContain(tokens['admin']);
    expect(statSync(contexts).mode & 0o777).toBe(0o600);
    const { secret = '' } = parseToken(tokens['admin'] ?? '') ?? {};
    const database = readFileSync(join(home.folder, '.local/share/hodei/hodei.db'));
    expect(database.includes(hashOfSecret(secret))).toBe(true);
  }, 120_000);
});

async function useIt(): Promise<void> {
  const watching = start('watch -n 2 --json', as('admin'));
  await hodei(`login --server ${url} --context prod`, {}, tokens['admin']);
  expect((await hodei('whoami -o name')).out).toBe('ana\n');
  await hodei('tenant create beta --email b@acme.example');
  await hodei('job admit --tenant acme --cpu 1 --memory 1Gi --id b1', as('agent'));
  await hodei('run --tenant acme --cpu 1 -- env', as('agent'));
  await hodei('quota set acme --cpu 5 --reason more --as bot', as('admin'));
  const { out, err, code } = await watching.ended;
  written.push(out, err);
  expect(code).toBe(0);
}

async function failWithIt(): Promise<void> {
  expect(await makeEveryError()).toEqual([401, 401, 401, 401, 401, 403, 404, 400, 400]);
  await takeItForAName();
  await crashWithIt();
  const statuses: (number | null)[] = [];
  for (const [words, env] of [
    ['whoami', as('revoked')],
    ['whoami', as('short')],
    ['quota set acme --cpu 9', as('agent')],
    ['whoami', { ...as('admin'), HODEI_TOKEN: `${tokens['admin'] ?? ''}x` }],
    ['whoami', { ...as('admin'), HODEI_SERVER: 'http://192.0.2.1' }],
    ['whoami', { ...as('admin'), HODEI_SERVER: 'http://127.0.0.1:1' }],
    [`whoami --token ${tokens['admin'] ?? ''}`, {}],
    [`token revoke ${tokens['admin'] ?? ''} --yes`, {}],
    ['tenant list --nonsense', as('admin')],
  ] as const) {
    const { child, ended } = start(words, env);
    child.stdin.end();
    const { out, err, code } = await ended;
    written.push(out, err);
    statuses.push(code);
  }
  expect(statuses).toEqual([4, 4, 4, 2, 2, 7, 2, 2, 2]);
}

/** Who sends a secret in the place of a name is answered with it, and nobody else gets to know. */
async function takeItForAName(): Promise<void> {
  const { admin = '' } = tokens;
  const headers = bearer(admin);
  for (const [method, path] of [
    ['GET', `/api/v1/tenants/${admin}`],
    ['POST', `/api/v1/tokens/${admin}/revoke`],
    ['GET', `/api/v1/${admin}`],
    ['GET', `/api/v1/tenants?token=${admin}`],
  ] as const) {
    const { status } = await fetch(url + path, { method, headers });
    expect([400, 404]).toContain(status);
  }
}

/** Ends with an error that nobody expected, and with its stack. */
async function crashWithIt(): Promise<void> {
  const broken = createServer((_, response) => {
    response.setHeader('content-type', 'text/event-stream').end('id: 1\ndata: {broken\n\n');
  });
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
  const { port } = broken.address() as AddressInfo;
  const env = { ...as('admin'), HODEI_SERVER: `http://127.0.0.1:${port}` };
  const { code, err } = await hodei('watch', env);
  broken.close();
  expect([code, err]).toEqual([1, expect.stringMatching(/internal error[^]*\n +at /)]);
}

async function lookForIt(): Promise<void> {
  await hodei(`db backup ${home.folder}/backup.db --context local`);
  await hodei('token list --json', as('admin'));
  await hodei('audit list --json', as('admin'));
  await hodei('audit list --context local --json');
  await hodei('audit export --context local');
  await hodei('audit export', as('admin'));
  await hodei('config init');
  await hodei('config show');
  await hodei('context list --json');
  for (const words of ['doctor', 'doctor --context local', 'doctor --json']) await hodei(words);
  writeFileSync(join(home.folder, '.config/hodei/broken.yaml'), 'server:\n  port: eighty\n');
  await hodei('config show --config .config/hodei/broken.yaml', as('admin'));
}

async function stopServer(): Promise<void> {
  server.child.kill('SIGTERM');
  const { out, err, code } = await server.ended;
  expect(code).toBe(0);
  expect(out).toContain('"path":"/api/v1/whoami"');
  writeFileSync(join(home.folder, 'served'), out + err);
}
