import { spawn, type IPty } from 'node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { door, newHome, type Home } from './hodei.ts';
import { startHodei, type Started } from './started.ts';

const ESCAPE = '\u001b';
const ENTER = `${ESCAPE}[?1049h${ESCAPE}[?25l${ESCAPE}[?7l`;
const LEAVE = `${ESCAPE}[?7h${ESCAPE}[?25h${ESCAPE}[?1049l`;
const HOME = `${ESCAPE}[H`;
const CTRL_C = '\u0003';

let home: Home;
let server: Started;
let url: string;

const hodei = (...words: string[]) => startHodei(home, home.env, words).ended;

beforeAll(async () => {
  home = newHome();
  for (const name of ['acme', 'beta']) {
    await hodei('tenant', 'create', name, '--email', 'a@b.example', '--cpu', '4', '--jobs', '4');
    await hodei('job', 'admit', '--tenant', name, '--cpu', '2', '--id', `${name}-1`);
  }
  await startServer('0');
});
afterAll(() => {
  server.child.kill('SIGKILL');
  home.remove();
});

async function startServer(port: string): Promise<void> {
  server = startHodei(home, home.env, ['serve', '--port', port]);
  url = await server.hear(/listening on (\S+)\n/);
}

/** Somebody who looks at `hodei top` on a pseudo-terminal. */
interface Looking {
  readonly terminal: IPty;
  /** All that was written so far. */
  text(): string;
  /** The next frame of which this is true, as lines of what is to be seen. */
  frame(isWanted: (lines: string[]) => boolean): Promise<string[]>;
  readonly ended: Promise<{ readonly exitCode: number; readonly text: string }>;
}

interface LookOptions {
  readonly cols?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

function look(words: string, { cols = 80, rows = 24, env = {} }: LookOptions = {}): Looking {
  const terminal = spawn(process.execPath, [door, 'top', ...words.split(' ').filter(Boolean)], {
    ...{ cols, rows, name: env['TERM'] ?? 'xterm-256color', cwd: home.folder },
    env: { ...home.env, ...env },
  });
  let text = '';
  let looked = 0;
  let tell = () => {};
  terminal.onData((data) => {
    text += data;
    tell();
  });
  const ended = new Promise<{ exitCode: number; text: string }>((resolve) => {
    terminal.onExit(({ exitCode }) => resolve({ exitCode, text }));
  });
  const next = () => new Promise<void>((resolve) => (tell = resolve));
  const frame: Looking['frame'] = async (isWanted) => {
    for (;;) {
      const frames = framesIn(text);
      while (looked < frames.length) {
        const lines = frames[looked++]!;
        if (isWanted(lines)) return lines;
      }
      const end = await Promise.race([next(), ended]);
      if (end !== undefined) throw new Error(`it ended before: ${JSON.stringify(end)}`);
    }
  };
  return { terminal, text: () => text, frame, ended };
}

/** The whole frames that were drawn, each as its lines without colours. */
function framesIn(text: string): string[][] {
  const parts = text.split(HOME).slice(1);
  return parts
    .filter((part) => part.includes(`${ESCAPE}[J`))
    .map((part) => part.slice(0, part.indexOf(`${ESCAPE}[J`)))
    .map((part) => part.replaceAll(/\u001b\[[0-9;]*[mK]|\r/g, '').split('\n'));
}

const anything = () => true;
const has = (words: string) => (lines: string[]) => lines.join('\n').includes(words);

describe('hodei top at a terminal', () => {
  it('takes the terminal over, shows what there is, and is left with q', async () => {
    const looking = look('');
    const lines = await looking.frame(anything);
    expect(looking.text().startsWith(ENTER)).toBe(true);
    expect(lines[0]).toMatch(/^hodei top {2}\d\d:\d\d:\d\d {2}\/.*every 2 s, q quits$/);
    expect(lines.join('\n')).toMatch(
      /^acme +50 % +█{6}░{6} +2 of 4 cores +50 % cpu +1 +2 of 4 cores$/m,
    );
    looking.terminal.write('q');
    const { exitCode, text } = await looking.ended;
    expect(exitCode).toBe(0);
    expect(text.endsWith(LEAVE)).toBe(true);
    // What clears the screen would let it flicker.
    expect(text).not.toContain(`${ESCAPE}[2J`);
  });

  it.each([
    ['Ctrl-C', 130, (terminal: IPty) => terminal.write(CTRL_C)],
    ['SIGINT', 130, (terminal: IPty) => terminal.kill('SIGINT')],
    ['SIGTERM', 143, (terminal: IPty) => terminal.kill('SIGTERM')],
  ])('gives it back at %s, and ends with %i', async (_, code, stop) => {
    const looking = look('');
    await looking.frame(anything);
    stop(looking.terminal);
    const { exitCode, text } = await looking.ended;
    expect(exitCode).toBe(code);
    expect(text.split(ENTER)).toHaveLength(2);
    expect(text.endsWith(LEAVE)).toBe(true);
  });

  it('fills any size, and is drawn anew when the size has changed', async () => {
    const looking = look('--interval 1h', { cols: 200, rows: 50 });
    expect((await looking.frame(anything)).join('\n')).toContain('MEMORY');
    for (const [cols, rows] of [
      [40, 10],
      [20, 3],
      [100, 30],
    ] as const) {
      looking.terminal.resize(cols, rows);
      const fits = (lines: string[]) =>
        lines.length <= rows && lines.every(({ length }) => length < cols);
      const lines = await looking.frame(fits);
      expect(lines[0]).toContain('hodei top');
    }
    looking.terminal.write('q');
    expect((await looking.ended).exitCode).toBe(0);
  });

  it('shows what happens, at once where space is pressed', async () => {
    const looking = look('--interval 1h --tenant acme', { cols: 120 });
    await looking.frame(has('1 of 4'));
    await hodei('job', 'admit', '--tenant', 'acme', '--cpu', '1', '--id', 'acme-2');
    looking.terminal.write(' ');
    await looking.frame(has('2 of 4'));
    looking.terminal.write('Q');
    expect((await looking.ended).exitCode).toBe(0);
  });

  it('has no colours where none are wanted, and is printed once where there is no screen', async () => {
    const looking = look('--interval 1h', { env: { NO_COLOR: '1' } });
    await looking.frame(anything);
    looking.terminal.write('q');
    const coloured = new RegExp(`${ESCAPE}\\[[0-9;]*m`);
    expect((await looking.ended).text).not.toMatch(coloured);
    for (const [words, env] of [
      ['', { TERM: 'dumb' }],
      ['--once', { NO_COLOR: '1' }],
    ] as const) {
      const { exitCode, text } = await look(words, { env }).ended;
      expect(exitCode).toBe(0);
      expect(text).not.toContain(ESCAPE);
      expect(text).toMatch(/^acme .* \d+ % cpu/m);
    }
  });

  it('says so when the server goes away, and goes on when it is back', async () => {
    const looking = look(`--server ${url} --interval 1s`);
    await looking.frame(has('acme '));
    server.child.kill('SIGKILL');
    await server.ended;
    const lost = await looking.frame(has('Trying again:'));
    expect(lost[1]).toContain('Cannot reach a hodei server');
    // What was seen last is still there.
    expect(lost.join('\n')).toMatch(/^acme .* \d+ % cpu/m);
    await startServer(new URL(url).port);
    await looking.frame((lines) => !has('Trying again:')(lines));
    looking.terminal.write('q');
    const { exitCode, text } = await looking.ended;
    expect([exitCode, text.endsWith(LEAVE)]).toEqual([0, true]);
  });

  it('says what is wrong on the usual screen where it cannot go on', async () => {
    const { exitCode, text } = await look('--server http://127.0.0.1:1').ended;
    expect(exitCode).toBe(7);
    expect(text).not.toContain(ENTER);
    const looking = look('--interval 1s --tenant beta');
    await looking.frame(anything);
    await hodei('job', 'release', 'beta:beta-1');
    await hodei('tenant', 'delete', 'beta', '--yes');
    const gone = await looking.ended;
    expect(gone.exitCode).toBe(3);
    expect(gone.text.slice(gone.text.indexOf(LEAVE))).toContain('Tenant not found: beta');
  });

  it('leaves no answer waited for where the server hangs', async () => {
    const { createServer } = await import('node:net');
    const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => hanging.once('listening', resolve));
    const { port } = hanging.address() as { port: number };
    const looking = look(`--server http://127.0.0.1:${port}`);
    await new Promise((resolve) => hanging.once('connection', resolve));
    looking.terminal.kill('SIGINT');
    expect((await looking.ended).exitCode).toBe(130);
    hanging.close();
  });
});

describe('hodei top for who is bound to a tenant', () => {
  it('shows what they may see', async () => {
    const made = await hodei(
      'token',
      'create',
      'acme-viewer',
      '--role',
      'viewer',
      '--tenant',
      'acme',
      '-o',
      'name',
    );
    const env = { HODEI_TOKEN: made.out.trim(), HODEI_SERVER: url };
    const looking = look('--interval 1h', { env });
    const lines = await looking.frame(anything);
    expect(lines.join('\n')).toMatch(/^acme /m);
    expect(lines.join('\n')).not.toContain('beta');
    looking.terminal.write('q');
    expect((await looking.ended).exitCode).toBe(0);
  });

  it('is refused to whom nothing of it is shown', async () => {
    const made = await hodei(
      'token',
      'create',
      'acme-agent',
      '--role',
      'agent',
      '--tenant',
      'acme',
      '-o',
      'name',
    );
    const env = { HODEI_TOKEN: made.out.trim(), HODEI_SERVER: url };
    const { exitCode, text } = await look('', { env }).ended;
    expect(exitCode).toBe(4);
    expect(text).toContain('The role agent may not do');
  });
});
