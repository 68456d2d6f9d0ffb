import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn as spawnAtTerminal } from 'node-pty';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FollowedView } from '../../src/service/event-page.ts';
import { door, newHome, type Home } from './hodei.ts';
import { startHodei } from './started.ts';

let home: Home;
let env: Record<string, string>;
let started: ChildProcessWithoutNullStreams[];

beforeEach(async () => {
  home = newHome();
  env = home.env;
  started = [];
  await line('tenant create acme --email ops@acme.example --cpu 6');
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  home.remove();
});

function hodei(...words: readonly string[]) {
  const process = startHodei(home, env, words);
  started.push(process.child);
  return process;
}

const line = (text: string) => hodei(...text.split(' ')).ended;

async function serve(port = '0') {
  const server = hodei('serve', '--port', port);
  const url = await server.hear(/listening on (\S+)\n/);
  return { ...server, url };
}

const eventsIn = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as FollowedView);

const setGpus = async (...amounts: number[]) => {
  for (const amount of amounts) await line(`quota set acme --gpu ${amount}`);
};

describe.each(['a file', 'a server'])('hodei watch on %s', (place) => {
  beforeEach(async () => {
    if (place === 'a server') env = { ...home.env, HODEI_SERVER: (await serve()).url };
  });

  it('shows what others do from then on, a line of JSON each, and ends with enough', async () => {
    const watching = hodei('watch', '--json', '--after', '2', '-n', '3');
    await setGpus(1, 2, 3, 4);
    const { code, out, err } = await watching.ended;
    expect([code, err]).toEqual([0, '']);
    const events = eventsIn(out);
    expect(events.map(({ sequence, after }) => [sequence, after])).toEqual([
      [3, { gpu: 1 }],
      [4, { gpu: 2 }],
      [5, { gpu: 3 }],
    ]);
  });

  it('shows all there is from 0 on, in columns where it is piped', async () => {
    const { out, code } = await hodei(
      'watch',
      '--after',
      '0',
      '-n',
      '2',
      '--kind',
      'tenant',
      '--kind',
      'config',
    ).ended;
    expect(code).toBe(0);
    expect(out.split('\n').map((row) => row.split('\t')[3])).toEqual([
      'config.apply',
      'tenant.create',
      undefined,
    ]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends quietly on %s', async (signal, code) => {
    const watching = hodei('watch', '--after', '0');
    await watching.hear(/tenant\.create/);
    watching.child.kill(signal);
    const { err, ...end } = await watching.ended;
    expect([end.code, err]).toEqual([code, '']);
  });

  it('ends when nobody reads any more', async () => {
    const watching = hodei('watch', '--after', '0');
    await watching.hear(/tenant\.create/);
    watching.child.stdout.destroy();
    await setGpus(1, 2);
    expect(await watching.ended).toMatchObject({ code: 0, err: '' });
  });

  it('shows a rejection, and a wait that ends within a moment of its reason', async () => {
    const ids = ['first', 'second'].map((id) => `job admit --tenant acme --cpu 4 --id ${id}`);
    const watching = hodei('watch', '--kind', 'job', '--after', '0', '--json', '-n', '5');
    await line(ids[0] ?? '');
    await line('job admit --tenant acme --cpu 4 --id other');
    const waiting = hodei(...`${ids[1] ?? ''} --wait 5m`.split(' '));
    await waiting.hear(/Waiting up to/);
    await line('job release acme:first');
    expect((await waiting.ended).code).toBe(0);
    const { out } = await watching.ended;
    expect(eventsIn(out).map(({ operation }) => operation)).toEqual([
      ...['job.admit', 'job.reject', 'job.queue', 'job.release', 'job.promote'],
    ]);
    const [released, promoted, renewed] = eventsIn(
      (await line('watch --kind job --after 5 -n 3 --json')).out,
    ).map(({ time }) => Date.parse(time));
    expect(promoted).toBeGreaterThanOrEqual(released ?? 0);
    expect(renewed).toBeGreaterThanOrEqual(promoted ?? 0);
  });

  it.each([
    ['watch -n 0', 2],
    ['watch --after x', 2],
    ['watch --kind Job', 2],
    ['watch --tenant acmee', 3],
    ['watch --after 99', 3],
  ])('refuses %j', async (text, code) => {
    const end = await line(text);
    expect([end.code, end.out]).toEqual([code, '']);
    expect(end.err).toMatch(/^hodei: /);
  });
});

describe('hodei watch', () => {
  it('goes on when the server has been started again, and has missed nothing', async () => {
    const { url, child, ended } = await serve();
    const watching = hodei('watch', '--json', '--server', url, '--after', '2', '-n', '4');
    await setGpus(1, 2);
    await watching.hear(/"sequence":4/);
    child.kill('SIGTERM');
    await ended;
    await watching.hear(/Trying again/);
    await setGpus(3);
    await serve(new URL(url).port);
    await setGpus(4);
    const { out, err, code } = await watching.ended;
    expect(code).toBe(0);
    expect(eventsIn(out).map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6]);
    expect(err).toBe(
      `hodei: The connection to ${url} broke off. Trying again.\n` +
        'hodei: connected again; nothing was missed\n',
    );
  });

  it('says at once that there is no server, or no database', async () => {
    expect(await line('watch --server http://127.0.0.1:9')).toMatchObject({ code: 7 });
    expect(await line('watch --db /nonexistent/hodei.db')).toMatchObject({ code: 7 });
  });

  it('says each event in one line at a terminal', async () => {
    const words = [door, 'watch', '--after', '1', '-n', '1', '--no-color'];
    const terminal = spawnAtTerminal(process.execPath, words, { cwd: home.folder, env, cols: 200 });
    const text = await new Promise<string>((resolve) => {
      let shown = '';
      terminal.onData((data) => (shown += data));
      terminal.onExit(() => resolve(shown));
    });
    expect(text.replaceAll('\r', '')).toMatch(
      /^on .*\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S+ {2}tenant\.create {2}acme {2}cpu 6 cores.*\n$/,
    );
  });
});

describe('a job that waits on a server', () => {
  it('asks for itself once, and not again while nothing happens', async () => {
    const { url, hear, child, ended } = await serve();
    env = { ...home.env, HODEI_SERVER: url };
    await line('job admit --tenant acme --cpu 4 --id first');
    const waiting = hodei(...'job admit --tenant acme --cpu 4 --id second --wait 5m'.split(' '));
    await waiting.hear(/Waiting up to/);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await line('job release acme:first');
    expect((await waiting.ended).code).toBe(0);
    child.kill('SIGTERM');
    await hear(/job\.get/);
    const { out } = await ended;
    expect(out.match(/"operation":"job\.get"/g)?.length).toBeLessThanOrEqual(3);
    expect(out.match(/"operation":"event\.follow"/g)).toHaveLength(1);
  });

  it('keeps its place while the server is started again, and hears of its turn then', async () => {
    const { url, child, ended } = await serve();
    env = { ...home.env, HODEI_SERVER: url };
    await line('job admit --tenant acme --cpu 4 --id first');
    const waiting = hodei(...'job admit --tenant acme --cpu 4 --id second --wait 5m'.split(' '));
    await waiting.hear(/Waiting up to/);
    child.kill('SIGTERM');
    await ended;
    env = home.env;
    await line('job release acme:first');
    await serve(new URL(url).port);
    const { code, out } = await waiting.ended;
    expect([code, out]).toEqual([0, expect.stringMatching(/^Admitted second of acme/)]);
  });
});
