import { spawn } from 'node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { door, newHome, type Home } from './hodei.ts';
import { startHodei, type Started } from './started.ts';

let home: Home;
let server: Started;
let url: string;
let token: string;

const hodei = (...words: string[]) => startHodei(home, home.env, words).ended;

beforeAll(async () => {
  home = newHome();
  await hodei('tenant', 'create', 'acme', '--email', 'ops@acme.example', '--cpu', '4');
  token = (await hodei('token', 'create', 'ana', '--role', 'operator', '-o', 'name')).out.trim();
  server = startHodei(home, home.env, ['serve', '--port', '0']);
  url = await server.hear(/listening on (\S+)\n/);
});
afterAll(() => {
  server.child.kill('SIGKILL');
  home.remove();
});

/** Logs in at a pseudo-terminal, where `typed` is typed once the token is asked for. */
function loginAtTerminal(typed: string): Promise<{ text: string; exitCode: number }> {
  const words = [door, 'login', '--server', url, '--context', 'prod'];
  const terminal = spawn(process.execPath, words, { cols: 200, cwd: home.folder, env: home.env });
  return new Promise((resolve) => {
    let text = '';
    terminal.onData((data) => {
      const wasAsked = text.includes('wants none): ');
      text += data;
      if (!wasAsked && text.includes('wants none): ')) terminal.write(typed);
    });
    terminal.onExit(({ exitCode }) => resolve({ text: text.replaceAll('\r', ''), exitCode }));
  });
}

describe('hodei login at a terminal', () => {
  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is left with %s, and has changed nothing', async (_key, typed) => {
    expect((await loginAtTerminal(typed)).exitCode).toBe(130);
    expect((await hodei('context', 'list', '-o', 'name')).out).toBe('local\n');
  });

  it('shows nothing of what is typed, nor how much of it', async () => {
    const { text, exitCode } = await loginAtTerminal(`${token}\r`);
    const [question, ...said] = text.split('\n');
    expect(question).toBe(`Token for ${url} (not shown; none, if it wants none): `);
    expect(said.join('\n')).toBe(
      `Logged in to ${url} as ana (operator), by the token ana.\n` +
        'The context prod is current; back to the file here: hodei context use local\n',
    );
    expect([text.includes('hod_'), exitCode]).toEqual([false, 0]);
    expect((await hodei('whoami', '-o', 'name')).out).toBe('ana\n');
  });
});

describe('the command of hodei run', () => {
  it('does not inherit the token of who runs it', async () => {
    const env = { ...home.env, HODEI_TOKEN: token, HODEI_TOKEN_FILE: '/nowhere', KEPT: 'kept' };
    const script = 'echo "[$HODEI_TOKEN][$HODEI_TOKEN_FILE][$KEPT][$HODEI_SERVER]"';
    const asked = ['run', '--tenant', 'acme', '--cpu', '1', '--', 'sh', '-c', script];
    const { out } = await startHodei(home, { ...env, HODEI_SERVER: url }, asked).ended;
    expect(out).toBe(`[][][kept][${url}]\n`);
  });
});
