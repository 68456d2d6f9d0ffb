import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { spawn } from 'node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printCandidates } from '../../src/cli/complete.ts';
import type { Host } from '../../src/cli/host.ts';
import { processTerminal } from '../../src/cli/terminal.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeAll(() => {
  home = newCliHome();
  const bin = join(home.folder, 'bin');
  mkdirSync(bin);
  symlinkSync(join(import.meta.dirname, '../../bin/hodei.js'), join(bin, 'hodei'));
  mkdirSync(join(home.folder, 'work', 'subfolder'), { recursive: true });
  writeFileSync(join(home.folder, 'work', 'file one.db'), '');
});
afterAll(() => home.remove());

/** What is offered in the place of the last word, as bash gets it. */
async function offered(...words: string[]): Promise<string[]> {
  return offeredTo('bash', ...words);
}

async function offeredTo(shell: string, ...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  const terminal = { ...processTerminal(true), out: (text: string) => lines.push(text) };
  const cli = { terminal, host: { version: '' } as Host, setExitCode: () => undefined };
  await printCandidates(cli, [shell, '--', ...words]);
  return lines.flatMap((text) => text.split('\n'));
}

describe('behind TAB', () => {
  it('are nouns, then verbs', async () => {
    expect(await offered('')).toContain('tenant');
    expect(await offered('ten')).toEqual(['tenant']);
    expect(await offered('tenant', 'cr')).toEqual(['create']);
    expect(await offered('--json', '--db', 'x.db', 'tenant', 'cr')).toEqual(['create']);
    expect(await offered('context', '')).toEqual(['list', 'use', 'delete']);
    expect(await offered('nonsense', '')).toEqual([]);
  });

  it('are flags once a dash is typed, and not before', async () => {
    expect(await offered('tenant', 'create', 'x', '--em')).toEqual(['--email']);
    expect(await offered('serve', '--p')).toEqual(['--port']);
    expect(await offered('tenant', 'create', '')).toEqual([]);
    expect(await offered('--ser')).toEqual(['--server']);
  });

  it('are the values of a flag, however it is written', async () => {
    expect(await offered('tenant', 'list', '-o', 'y')).toEqual(['yaml']);
    expect(await offered('tenant', 'list', '--output', '=', 'js')).toEqual(['json']);
    expect(await offered('tenant', 'list', '--output', '=')).toContain('csv');
    expect(await offeredTo('zsh', 'tenant', 'list', '--output=js')).toEqual(['--output=json']);
    expect(await offered('token', 'create', '--role', 'a')).toEqual(['admin', 'approver', 'agent']);
    expect(await offered('cost', 'report', '--group', 't')).toEqual(['tenant']);
    expect(await offered('cost', 'report', '--by', 'w')).toEqual(['week']);
    expect(await offered('login', '--ca', '')).toEqual([':files']);
    expect(await offered('tenant', 'list', '--prefix', '')).toEqual([]);
  });

  it('are files where a file is expected, also after --', async () => {
    expect(await offered('db', 'backup', 'x')).toEqual([':files']);
    expect(await offered('db', 'backup', '--', '')).toEqual([':files']);
    expect(await offered('db', 'backup', 'x', '')).toEqual([]);
    expect(await offered('db', 'status', '--db', '')).toEqual([':files']);
    expect(await offeredTo('zsh', 'db', 'status', '--config=')).toEqual([':files']);
  });

  it('are the words of an argument', async () => {
    expect(await offered('completion', 'z')).toEqual(['zsh']);
  });

  it('come with what they are for where the shell shows it', async () => {
    const create = 'create a tenant, with the default quota or limits of its own';
    expect(await offeredTo('fish', 'tenant', 'cr')).toEqual([`create\t${create}`]);
    expect(await offeredTo('zsh', 'tenant', 'cr')).toEqual([`create:${create}`]);
  });

  it('is a command that no help mentions', async () => {
    const { out } = await home.run([]);
    expect(out).toContain('completion');
    expect(out).not.toMatch(/\bcomplete\b/);
  });
});

describe('hodei completion', () => {
  it('says at a terminal how to keep it', async () => {
    const { out, err, code } = await home.run('completion bash', { isTerminal: true });
    expect(out).toContain('complete -F _hodei hodei');
    expect(err).toBe('In ~/.bashrc: eval "$(hodei completion bash)"');
    expect(code).toBe(0);
    expect((await home.run('completion bash')).err).toBe('');
  });

  it('knows three shells', async () => {
    const { err, code } = await home.run('completion tcsh');
    expect(err).toContain('Allowed choices are bash, zsh, fish.');
    expect(code).toBe(2);
  });
});

const shells = [
  { shell: 'bash', flags: ['--norc', '--noprofile'], load: 'eval "$(hodei completion bash)"' },
  {
    shell: 'zsh',
    flags: ['-f'],
    load: 'autoload -U compinit; compinit -u -D; eval "$(hodei completion zsh)"',
  },
  { shell: 'fish', flags: ['--no-config'], load: 'hodei completion fish | source' },
];

const typed = [
  ['hodei ten', 'hodei tenant '],
  ['hodei tenant cr', 'hodei tenant create '],
  ['hodei tenant create "$(touch pwned)" --em', '--email '],
  ["hodei tenant create it\\'s --em", '--email '],
  ['hodei tenant list --output=js', '--output=json '],
  ['hodei db backup fil', 'file\\ one.db '],
  ['hodei db status --db sub', 'subfolder/'],
] as const;

describe.each(shells)('in a real $shell', ({ shell, flags, load }) => {
  it.skipIf(!isInstalled(shell))('TAB completes, and runs nothing that is typed', async () => {
    const work = join(home.folder, 'work');
    const terminal = openShell(shell, flags, work);
    await terminal.enter(`${load}; ${load}`);
    for (const [line, completed] of typed) {
      expect(await terminal.completes(line, completed), line).toContain(completed);
    }
    terminal.kill();
    expect(existsSync(join(work, 'pwned'))).toBe(false);
  });
});

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

function openShell(shell: string, flags: string[], cwd: string) {
  const PATH = [join(home.folder, 'bin'), process.env['PATH']].join(delimiter);
  const env = { PATH, HOME: home.folder, TERM: 'xterm', LANG: 'C.UTF-8' };
  const terminal = spawn(shell, flags, { cols: 150, rows: 50, cwd, env });
  let shown = '';
  terminal.onData((data) => (shown += data));
  const isShown = async (text: string) => {
    for (let waited = 0; waited < 8_000 && !plain(shown).includes(text); waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    /** Runs a line, and waits until it is done. */
    async enter(line: string) {
      terminal.write(`${line}; echo loa""ded\r`);
      await isShown('loaded');
    },
    /** What stands there after TAB; Ctrl-U then takes it away. */
    async completes(line: string, expected: string): Promise<string> {
      shown = '';
      terminal.write(`${line}\t`);
      await isShown(expected);
      terminal.write('\u0015');
      return plain(shown);
    },
    kill: () => terminal.kill('SIGKILL'),
  };
}

function plain(text: string): string {
  return text.replace(/\u001b(\[[0-9;?]*[A-Za-z]|[=>]|\][^\u0007]*\u0007|\([AB0])/g, '');
}
