import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './hodei.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The commands of a chapter, as they stand there; of several blocks those of the nth. */
function commandsOf(chapter: string, nth = 0): string[] {
  const [, text = ''] = readme.split(`## ${chapter}\n`);
  const [, block = ''] = [...text.matchAll(/```sh\n([^`]*)```/g)][nth] ?? [];
  return block.split('\n').filter((line) => line !== '');
}

let home: Home;

beforeAll(() => {
  home = newHome();
});

afterAll(() => home.remove());

function bash(script: string) {
  return spawnSync('bash', ['-c', `set -euo pipefail\n${script}`], {
    env: home.env,
    encoding: 'utf8',
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** Whether a program is installed; where all of them have to be, one that is missing is an error. */
function isThere(program: string): boolean {
  if (isInstalled(program)) return true;
  const what = `${program} is missing (apt-get install ${program})`;
  if (process.env['CI'] !== undefined) throw new Error(what);
  process.stderr.write(`skipped, since ${what}\n`);
  return false;
}

describe('the README', () => {
  it.each(commandsOf('A tour in ten lines'))('tells the truth: %s', (line) => {
    if (line.includes('jq') && !isThere('jq')) return;
    const { status, stderr, stdout } = bash(line);
    // The doctor may find something to say about the machine; that is its own exit code.
    expect([status, stderr], stdout).toEqual([
      line === 'hodei doctor' && status === 9 ? 9 : 0,
      expect.not.stringContaining('hodei:'),
    ]);
  });

  it('has ten lines in its tour of ten lines', () => {
    expect(commandsOf('A tour in ten lines')).toHaveLength(10);
  });

  it('shows what a refusal really says', () => {
    const { status, stderr } = bash('hodei quota set web --memory 16G');
    expect(status).toBe(2);
    expect(readme).toContain(stderr.trim());
  });

  it('says the same over REST', async () => {
    const port = await freePort();
    const [serve = '', ...rest] = commandsOf('The same over REST').map((line) =>
      line.replaceAll('8080', String(port)),
    );
    const script = [
      serve.replace('serve &', `serve --port ${port} >/dev/null 2>&1 &`),
      `for i in $(seq 100); do curl -sf localhost:${port}/readyz >/dev/null && break; sleep 0.05; done`,
      ...rest,
      'kill %1',
      'wait',
    ].join('\n');
    const { status, stdout, stderr } = bash(script);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('"cpu_m":8000');
    expect(stdout).toMatch(/cpu\t8 cores\t0\t8/);
  });

  it('has the second of two jobs wait for the first', () => {
    const [create = '', first = ''] = commandsOf('Let your job server ask');
    const [second = ''] = commandsOf('Let your job server ask', 1);
    const script = [
      create,
      `${first.replace('sleep 10', 'sleep 2')} &`,
      'until hodei job list --tenant ci | grep -q build-1; do sleep 0.1; done',
      second,
      'wait',
    ].join('\n');
    const { status, stdout, stderr } = bash(script);
    expect([status, stdout.split('\n').slice(-2)]).toEqual([0, ['my turn', '']]);
    const said = stderr.split('\n').filter((line) => line.startsWith('hodei:'));
    expect(said[0]).toBe('hodei: waiting for 3 cores in ci (first in line)');
    expect(said[1]).toMatch(/^hodei: admitted after \d+ s$/);
    expect(readme).toContain(said[0]);
  });

  it('answers a job server as it says: admitted, replayed, refused and explained', async () => {
    const port = await freePort();
    const [serve = '', ...rest] = commandsOf('Let your job server ask', 2).map((line) =>
      line.replaceAll('8080', String(port)),
    );
    const { status, stdout, stderr } = bash(
      [
        serve.replace('serve &', `serve --port ${port} >/dev/null 2>&1 &`),
        `for i in $(seq 100); do curl -sf localhost:${port}/readyz >/dev/null && break; sleep 0.05; done`,
        ...rest,
        'kill %1',
        'wait',
      ].join('\n'),
    );
    const [admitted, replayed, refused] = stdout
      .split('\n')
      .slice(0, 3)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(admitted).toMatchObject({ state: 'admitted', job_id: 'build-3' });
    expect(replayed).toEqual({ ...admitted, replayed: true });
    expect(refused).toMatchObject({ state: 'rejected', code: 'over_quota', retryable: true });
    expect(stdout).toContain('build-3');
    expect(stdout).toContain('hodei quota set ci --cpu 5');
    expect(stdout).toMatch(/balances of 0 live jobs agree/);
    expect([status, stderr.replace(/^There are more.*\n/m, '')]).toEqual([0, '']);
  });

  it('shares a pool by weight, and lets one rule change the outcome', () => {
    const chapter = (nth: number) => {
      const inHome = [`cd '${home.folder}'`, ...commandsOf('Share fairly', nth)];
      return spawnSync('bash', ['-c', inHome.join('\n')], { env: home.env, encoding: 'utf8' });
    };
    const flood = chapter(0);
    const status = flood.stdout.split('\n').slice(-3, -1);
    expect(status.map((line) => line.split('\t'))).toEqual([
      ['farm', 'gold', '-', '0.17', '2', '1 of 3 cores', '3', 'gold-2'],
      ['farm', 'iron', '-', '0.67', '1', '2 of 3 cores', '2', 'iron-3'],
    ]);
    for (const said of ['gold-2 of gold (the lowest share)', '0.17   2       1 of 3 cores']) {
      expect(readme).toContain(said);
    }
    const release = chapter(1);
    const running = release.stdout.split('\n').filter((line) => line.includes('\tadmitted\t'));
    expect(running.map((line) => line.split('\t')[0])).toEqual(['iron-3', 'gold-2', 'gold-1']);
    expect(release.stdout).toContain('hodei tenant update iron --weight');
    const rules = chapter(2);
    expect(rules.stderr).toContain(
      'Rejected: jobs of gold name their team, such as --label team=web (policy rule gold-names-its-team) ',
    );
    expect(rules.stderr).toContain('on request: no rule acts');
    expect(rules.stdout.split('\n').filter((line) => /\tjob\.\w+\t/.test(line))).toHaveLength(3);
    expect(rules.status).toBe(0);
  });

  it('lends capacity for a while, with the agreement of a second person', async () => {
    const port = String(await freePort());
    const [ask = [], agree = [], after = []] = [0, 1, 2].map((nth) =>
      commandsOf('Lend capacity for a while', nth).map((line) => line.replaceAll('8080', port)),
    );
    // A minute is long for a test: here the session lasts six seconds, and is waited for as long.
    const script = [
      `cd '${home.folder}'`,
      ...ask.map((line) => line.replace('--for 1m', '--for 6s')),
      `for i in $(seq 100); do curl -sf localhost:${port}/readyz >/dev/null && break; sleep 0.1; done`,
      ...agree,
      ...after.map((line) => line.replace('sleep 60', 'sleep 6')),
      'kill %1',
      'wait',
    ].map((line) => line.replace('hodei serve &', `hodei serve --port ${port} >server.log 2>&1 &`));
    const { stdout, stderr } = spawnSync('bash', ['-c', script.join('\n')], {
      env: home.env,
      encoding: 'utf8',
    });
    const said = stdout + stderr;
    expect(stderr.match(/Rejected: lab asks for .* and has .* free of [^(]*/g), said).toEqual([
      'Rejected: lab asks for 1.5 cores and has none free of 4 ',
      'Rejected: lab asks for 1 core and has none free of 4 ',
    ]);
    expect(stdout, said).toContain('lab may use up to 140 % of its cpu, memory and jobs for 6 s');
    expect(stderr).toContain(', 5.6 cores, 11468 MiB and 14 jobs.');
    expect(stdout).toContain('Started: render-2 of lab.');
    expect(stdout).toMatch(/^bst-\w+\tlab\tactive\t140 % of cpu, memory, jobs\t\d s left\t/m);
    expect(stdout).toMatch(/^cpu\t4 cores\t5.5\t0.1\t98 %\t5.6 until .* \(\d s left\)$/m);
    expect(stdout).toMatch(/^cpu\t4 cores\t5.5\tover by 1.5 cores\t137 %/m);
    expect(readme).toMatch(/^cpu +4 cores +5.5 +over by 1.5 cores +█+ 137 %/m);
    expect(stdout).toMatch(/burst\.expire\tlab\t/);
  });

  it('says what it costs, and keeps a budget', () => {
    const chapter = [0, 1].flatMap((nth) => commandsOf('See what it costs', nth));
    const script = [`cd '${home.folder}'`, ...chapter, 'cat teams.csv'].join('\n');
    const { stdout, stderr } = spawnSync('bash', ['-c', script], {
      env: home.env,
      encoding: 'utf8',
    });
    expect(stdout).toContain('cpu: 0.05 → 0.06 USD per core-hour, from now on.');
    expect(stdout).toMatch(/^studio\t0\.\d+\t\d+ %$/m);
    expect(stdout).toMatch(/^red,,named,/m);
    const refused = /^Rejected: studio's budget .*? until its lease or the month ends/m.exec(
      stderr,
    );
    expect(readme).toContain(refused?.[0] ?? stdout + stderr);
    expect(stderr.match(/^Rejected: /gm)).toHaveLength(1);
    expect(stdout).toMatch(/^studio\t1\.00 USD\t-0\.80\t1\.76\t0\.04\t/m);
  });

  it('can be run for a team: TLS, three tokens, and a remote command line in another folder', async () => {
    if (!isThere('jq') || !isThere('openssl')) return;
    const port = String(await freePort());
    const blocks = [0, 1, 2, 3, 4].map((nth) => commandsOf('Run it for a team', nth));
    const [serve = [], laptop = [], refused = [], audit = [], tampered = []] = blocks.map((lines) =>
      lines.map((line) => line.replaceAll('8443', port).replaceAll('~/hodei', root)),
    );
    const script = [
      `cd '${home.folder}'`,
      'hodei tenant create acme --email a@b.example 2>/dev/null || true',
      ...serve.map((line) => line.replace(/^(hodei serve .*) &$/, '$1 >server.log 2>&1 &')),
      `for i in $(seq 100); do curl -skf https://localhost:${port}/readyz >/dev/null && break; sleep 0.1; done`,
      ...laptop,
      ...refused.map((line) => `${line} || echo "exit $?"`),
      ...audit.map((line) => `${line} || echo "exit $?"`),
      ...tampered.map((line) => `${line} || echo "exit $?"`),
      'hodei audit verify --file audit.ndjson || echo "exit $?"',
    ];
    const { stdout, stderr } = bash(script.join('\n'));
    const said = stdout + stderr;
    expect(stdout).toContain(`Logged in to https://localhost:${port} as ana`);
    expect(stdout).toMatch(/build-7/);
    const codes = stdout.split('\n').filter((line) => line.startsWith('exit '));
    expect(codes, said).toEqual([
      'exit 4',
      'exit 4',
      'exit 3',
      'exit 2',
      'exit 6',
      'exit 9',
      'exit 9',
    ]);
    expect(stderr).toContain('quota.set wants a reason here.');
    expect(stderr).toContain('The role viewer may not do quota.set.');
    expect(stderr).toContain('Tenant not found: acme');
    expect(stdout).toContain('token.refuse');
    expect(stdout).toContain('are one unbroken chain');
    // In the copy there is neither a compiler's work nor anything else that was installed.
    expect(existsSync(join(home.folder, 'laptop/node_modules'))).toBe(false);
  });

  it('names two commands that set everything up', () => {
    const [first, second] = commandsOf('Start');
    expect(first).toBe('npm ci && npx hodei tenant create acme --email ops@acme.example');
    expect(second).toBe('npm ci && npm test');
    const scripts = JSON.parse(
      execFileSync('npm', ['pkg', 'get', 'scripts'], { encoding: 'utf8' }),
    ) as Record<string, string>;
    expect(scripts['test']).toBe('vitest run');
  });
});
