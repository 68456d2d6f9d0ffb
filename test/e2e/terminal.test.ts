import { spawn, type IPty } from 'node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { door, newHome, type Home } from './hodei.ts';

let home: Home;

beforeAll(async () => {
  home = newHome();
  await atTerminal('tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi');
});

afterAll(() => home.remove());

interface Shown {
  readonly text: string;
  readonly exitCode: number;
}

/** Runs hodei on a pseudo-terminal; `answer` types when the question is there. */
function atTerminal(
  words: string,
  {
    env = {},
    answer,
    question = 'Delete acme?',
  }: { env?: Record<string, string>; answer?: string; question?: string } = {},
): Promise<Shown> {
  const terminal = spawn(process.execPath, [door, ...words.split(' ')], {
    cols: 100,
    rows: 40,
    name: env['TERM'] ?? 'xterm-256color',
    env: { ...home.env, ...env },
  });
  return collect(terminal, question, answer);
}

function collect(terminal: IPty, question: string, answer: string | undefined): Promise<Shown> {
  return new Promise((resolve) => {
    let text = '';
    let isAnswered = false;
    terminal.onData((data) => {
      text += data;
      if (answer === undefined || isAnswered || !text.includes(question)) return;
      isAnswered = true;
      terminal.write(answer);
    });
    terminal.onExit(({ exitCode }) => resolve({ text, exitCode }));
  });
}

/** What is left for the eye when colours and cursor movements are taken away. */
function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

describe('at a terminal', () => {
  it('says first where it acts, then shows a table with a head', async () => {
    const { text, exitCode } = await atTerminal('tenant list');
    const [place, head, row] = plain(text).split('\n');
    expect(place).toBe(`on ${home.folder}/.local/share/hodei/hodei.db`);
    expect(head).toMatch(/^NAME +ID +PARENT +STATUS +WEIGHT +EMAIL +LABELS$/);
    expect(row).toMatch(/^acme +tenant-[0-9a-z]{12} +- +active +1 +ops@acme\.example/);
    expect(exitCode).toBe(0);
  });

  it('draws a bar of what is used', async () => {
    const { text } = await atTerminal('quota get acme');
    expect(plain(text)).toContain('cpu       4 cores  0     4     ░░░░░░░░░░░░   0 %');
  });

  it('is coloured, unless NO_COLOR, --no-color or a dumb terminal says otherwise', async () => {
    const escape = '\u001b[';
    expect((await atTerminal('tenant list')).text).toContain(escape);
    expect((await atTerminal('tenant list --no-color')).text).not.toContain(escape);
    expect((await atTerminal('tenant list', { env: { NO_COLOR: '1' } })).text).not.toContain(
      escape,
    );
    expect((await atTerminal('tenant list', { env: { TERM: 'dumb' } })).text).not.toContain(escape);
  });

  it('asks before it deletes, and takes no for an answer', async () => {
    const { text, exitCode } = await atTerminal('tenant delete acme', { answer: 'n\r' });
    expect(plain(text)).toContain('Nothing was changed.');
    expect(exitCode).toBe(0);
    expect(plain((await atTerminal('tenant list')).text)).toContain('acme');
  });

  it('ends with 130 when the question is left with Ctrl-C', async () => {
    const { exitCode } = await atTerminal('tenant delete acme', { answer: '\u0003' });
    expect(exitCode).toBe(130);
    expect(plain((await atTerminal('tenant list')).text)).toContain('acme');
  });

  it('takes only a whole line for a yes, whatever letters are in it', async () => {
    const { text, exitCode } = await atTerminal('tenant delete acme', { answer: 'maybe\r' });
    expect(plain(text)).toContain('Nothing was changed.');
    expect(exitCode).toBe(0);
  });

  it('ends with 130 when the question is left with Ctrl-D', async () => {
    const { exitCode } = await atTerminal('tenant delete acme', { answer: '\u0004' });
    expect(exitCode).toBe(130);
  });

  it('says where it acts before it asks', async () => {
    const { text } = await atTerminal('tenant delete acme', { answer: 'n\r' });
    expect(plain(text).indexOf('on /')).toBeLessThan(plain(text).indexOf('Delete acme?'));
  });

  it('shows what is lent, and asks for the agreement to it', async () => {
    await atTerminal('burst request acme --to 140% --for 2h --reason demo');
    const question = 'Approve? [y/N]';
    const id = plain((await atTerminal('burst list -o name')).text).split('\n')[1] ?? '';
    const { text, exitCode } = await atTerminal(`burst approve ${id}`, { answer: 'y\r', question });
    const [, offer, asked, asking, refusal] = plain(text).split('\n');
    expect(offer).toMatch(
      /^acme may use up to 140 % of its cpu, memory and jobs from now until .* \(2 h\), 5.6 cores,/,
    );
    expect(asked).toMatch(/^ {2}asked by \S+ at .*: "demo"$/);
    expect(asking).toContain(question);
    // Who asked for it is who is asked here.
    expect(refusal).toMatch(/^hodei: \S+ asked for bst-\w+: another person has to agree to it.$/);
    expect(exitCode).toBe(4);
  });

  it('deletes after a yes', async () => {
    const { text, exitCode } = await atTerminal('tenant delete acme', { answer: 'y\r' });
    expect(plain(text)).toContain('Deleted acme.');
    expect(exitCode).toBe(0);
    expect(plain((await atTerminal('tenant list')).text)).toContain('There are none.');
  });
});
