import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, startReceiver, type Receiver } from '../http/webhook-receiver.ts';
import { newHome, type Home } from './hodei.ts';
import { startHodei, type Started } from './started.ts';

let home: Home;
let receiver: Receiver;
let isRefusing = false;
const written: string[] = [];

beforeAll(async () => {
  home = newHome();
  receiver = await startReceiver((_, response) =>
    isRefusing ? response.writeHead(500).end('down') : undefined,
  );
  const { url } = receiver;
  writeFileSync(
    join(home.folder, 'config.yaml'),
    `server: {port: 0}
observability:
  webhooks:
    - {name: pager, url: '${url}', secret: '\${PAGER_SECRET}', kinds: [tenant]}
`,
  );
});
afterAll(async () => {
  await receiver.stop();
  home.remove();
});

function start(words: string, env: Record<string, string> = {}): Started {
  const all = { ...home.env, HODEI_CONFIG_PATH: 'config.yaml', HODEI_LOG: 'trace', ...env };
  return startHodei(home, all, words.split(' '));
}

async function hodei(words: string) {
  const { child, ended } = start(words);
  child.stdin.end();
  const { out, err, code } = await ended;
  written.push(out, err);
  return { out: out.trimEnd(), err: err.trimEnd(), code };
}

const serve = () => start('serve', { PAGER_SECRET: SECRET });
const create = (name: string, more = '') =>
  hodei(`tenant create ${name} --email ops@${name}.example${more}`);

const distinct = <T>(values: readonly T[]) => [...new Set(values)];

describe('webhooks of a real server', () => {
  it('lose nothing to kill -9, and tell nothing under two ids', async () => {
    let server = serve();
    await server.hear(/listening on (\S+)\n/);
    await create('t0');
    await receiver.untilTaken(1);
    // In the middle of delivering: at once, before it is noted, and while it is refused.
    server.child.kill('SIGKILL');
    await server.ended;
    await create('t1');
    isRefusing = true;
    server = serve();
    const tried = receiver.attempts.length;
    await receiver.untilTried(tried + 1);
    server.child.kill('SIGKILL');
    await server.ended;
    isRefusing = false;
    await create('t2');
    server = serve();
    const url = await server.hear(/listening on (\S+)\n/);
    await create('t3', ` --server ${url}`);
    const tested = await hodei(`webhook test pager --server ${url}`);
    expect([tested.out, tested.code]).toEqual([
      expect.stringMatching(/^pager took it in \d+ ms\.$/),
      0,
    ]);
    server.child.kill('SIGTERM');
    const { out, err, code } = await server.ended;
    written.push(out, err);
    expect(code).toBe(0);
    const told = distinct(receiver.taken.map(({ sequence }) => sequence));
    const first = told[0] ?? 0;
    expect(told).toEqual(Array.from({ length: 5 }, (_, i) => first + i));
    expect(distinct(receiver.attempts.map(({ id }) => id))).toHaveLength(5);
    expect(receiver.taken.at(-1)?.type).toBe('webhook.test');
    expect(receiver.strangers).toEqual([]);
  });

  it('need their variable to be served, and for nothing else', async () => {
    expect((await hodei('tenant list -o name')).code).toBe(0);
    const { err, code } = await hodei('serve');
    expect([err, code]).toEqual([
      'hodei: config.yaml: observability.webhooks[0].secret: PAGER_SECRET is not set in the environment',
      2,
    ]);
  });

  it('leave their secret nowhere', async () => {
    for (const words of ['webhook list --json', 'config show', 'audit list --json', 'doctor']) {
      await hodei(words);
    }
    const files = readdirSync(home.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.some((path) => path.endsWith('hodei.db'))).toBe(true);
    expect(files.filter((path) => readFileSync(path).includes(SECRET))).toEqual([]);
    expect(written.filter((text) => text.includes(SECRET))).toEqual([]);
    expect(written.join('\n')).toContain('secret: "***"');
  });
});
