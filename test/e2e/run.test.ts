import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn as spawnAtTerminal } from 'node-pty';
import { beforeEach, describe, expect, it } from 'vitest';
import { door } from './hodei.ts';
import { useProcesses } from './processes.ts';

const { hodei, line, home, env, setEnv } = useProcesses();

beforeEach(async () => {
  await line('tenant create acme --email ops@acme.example --cpu 6');
});

const asJob = ['run', '--tenant', 'acme', '--cpu', '4'];

/** A shell script, run as a job. */
const shell = (script: string, ...flags: string[]) =>
  hodei(...asJob, ...flags, '--', 'sh', '-c', script);

/** How many of them there are: jobs, events. */
async function count(list: string): Promise<number> {
  const { out } = await line(`${list} -o name`);
  return out.split('\n').filter((name) => name !== '').length;
}

const living = () => count('job list');

describe('the command of hodei run', () => {
  it('has the input, output and umask of hodei, and hodei adds nothing', async () => {
    const own = spawnSync('sh', ['-c', 'umask'], { encoding: 'utf8' }).stdout;
    const running = shell('cat; umask; echo problem >&2; exit 3');
    running.child.stdin.end('a\nb\n');
    expect(await running.ended).toEqual({ code: 3, out: `a\nb\n${own}`, err: 'problem\n' });
    expect(await living()).toBe(0);
  });

  it('gets every word behind the two dashes as it is', async () => {
    const { out } = await hodei(...asJob, '--', 'echo', '--json', '--', '--cpu', 'a  b').ended;
    expect(out).toBe('--json -- --cpu a  b\n');
  });

  it('that is not there ends with 127, and one that is no program with 126', async () => {
    writeFileSync(join(home().folder, 'plain'), '');
    const missing = { code: 127, out: '', err: 'hodei: nosuch: command not found\n' };
    expect(await hodei(...asJob, '--', 'nosuch').ended).toEqual(missing);
    const plain = { code: 126, out: '', err: 'hodei: ./plain: permission denied\n' };
    expect(await hodei(...asJob, '--', './plain').ended).toEqual(plain);
    expect(await living()).toBe(0);
  });

  it('that is killed ends with 128 and the signal', async () => {
    expect((await shell('kill -KILL $$').ended).code).toBe(137);
    expect((await shell('kill -TERM $$').ended).code).toBe(143);
    expect(await living()).toBe(0);
  });

  it.each(['TERM', 'HUP', 'INT', 'QUIT', 'USR1', 'USR2'] as const)(
    'gets the SIG%s that hodei gets, and is released when it ends by it',
    async (signal) => {
      const loop = 'echo ready; while :; do sleep 0.05; done';
      const running = shell(`trap "echo got it; exit 9" ${signal}; ${loop}`);
      await running.hear(/ready/);
      expect(await living()).toBe(1);
      running.child.kill(`SIG${signal}`);
      expect(await running.ended).toEqual({ code: 9, out: 'ready\ngot it\n', err: '' });
      expect(await living()).toBe(0);
    },
  );

  it('holds its quota as long as it lives, however short its lease is', async () => {
    const running = shell('read _', '--ttl', '1s');
    // Three renewals are a lease.
    while ((await count('audit list --operation job.renew')) < 5) continue;
    expect(await living()).toBe(1);
    running.child.stdin.end('\n');
    expect((await running.ended).code).toBe(0);
    expect(await count('audit list --operation job.expire')).toBe(0);
  });

  it('is not started when there is no room', async () => {
    const first = shell('echo ready; read _');
    await first.hear(/ready/);
    const { code, out, err } = await shell('echo second').ended;
    expect([code, out]).toEqual([126, '']);
    expect(err).toMatch(
      /^hodei: rejected: acme asks for 4 cores and has 2 free of 6 \(dec.*\)\.\n/,
    );
    expect(err).toMatch(/\n {7}sh was not started\.\n$/);
  });

  it('runs without quota where hodei is away and that was allowed', async () => {
    setEnv({ HODEI_SERVER: 'http://127.0.0.1:9' });
    expect((await shell('echo ran').ended).code).toBe(127);
    const { code, out, err } = await shell('echo ran', '--on-unavailable', 'proceed').ended;
    expect([code, out]).toEqual([0, 'ran\n']);
    expect(err).toMatch(/^hodei: .*: sh runs without quota\n$/);
  });
});

describe('job adopt', () => {
  it('reads the standard input where the file is called -', async () => {
    const adopting = hodei('job', 'adopt', '-f', '-');
    adopting.child.stdin.end('{"tenant": "acme", "cpu_m": 1}\n{"tenant": "acme", "cpu_m": 2}\n');
    expect(await adopting.ended).toEqual({ code: 0, out: 'Adopted 2 jobs.\n', err: '' });
  });
});

describe('Ctrl-C', () => {
  it('at a terminal reaches the command once, and hodei waits for it', async () => {
    const script = `n=0; trap 'n=$((n+1))' INT; echo ready
      while [ $n = 0 ]; do sleep 0.05; done; sleep 0.5; echo "got $n"; exit 7`;
    const words = [door, ...asJob, '--', 'sh', '-c', script];
    const terminal = spawnAtTerminal(process.execPath, words, { cwd: home().folder, env: env() });
    const { text, exitCode } = await new Promise<{ text: string; exitCode: number }>((resolve) => {
      let shown = '';
      terminal.onData((data) => {
        if (!shown.includes('ready') && data.includes('ready')) terminal.write('\u0003');
        shown += data;
      });
      terminal.onExit((end) => resolve({ text: shown, exitCode: end.exitCode }));
    });
    expect([text.replace(/\r|\^C/g, ''), exitCode]).toEqual(['ready\ngot 1\n', 7]);
    expect(await living()).toBe(0);
  });
});

describe.each(['a file', 'a server'])('two runs against one quota, on %s', (place) => {
  beforeEach(async () => {
    if (place === 'a file') return;
    const url = await hodei('serve', '--port', '0').hear(/listening on (\S+)\n/);
    setEnv({ HODEI_SERVER: url });
  });

  it('go one after the other where the second waits', async () => {
    const first = shell('echo ready; read _; echo first');
    await first.hear(/ready/);
    const second = shell('echo second', '--wait', '5m');
    expect(await second.hear(/hodei: (.*)\n/)).toBe('waiting for 4 cores in acme (first in line)');
    expect(await living()).toBe(2);
    first.child.stdin.end('\n');
    expect(await first.ended).toMatchObject({ code: 0, err: '' });
    const { code, out, err } = await second.ended;
    expect([code, out]).toEqual([0, 'second\n']);
    expect(err).toMatch(/^hodei: waiting .*\nhodei: admitted after \d+ (s|min)( \d+ s)?\n$/);
    expect(await living()).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leave nothing in the queue when the second gets a %s', async (signal, code) => {
    const first = shell('echo ready; read _');
    await first.hear(/ready/);
    const second = shell('echo second', '--wait', '5m');
    await second.hear(/waiting/);
    second.child.kill(signal);
    expect(await second.ended).toMatchObject({ code, out: '' });
    expect(await living()).toBe(1);
  });

  it('give up when the time is over', async () => {
    const first = shell('echo ready; read _');
    await first.hear(/ready/);
    const { code, err } = await shell('echo second', '--wait', '1s').ended;
    expect(code).toBe(128);
    expect(err).toContain('no room within 1 s.\n       sh was not started.\n');
    expect(await living()).toBe(1);
  });
});
