import { Chalk } from 'chalk';
import { join } from 'node:path';
import { runProgram } from '../../src/cli/program.ts';
import type { Host } from '../../src/cli/host.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { createHost } from '../../src/main/host.ts';
import { TRACE_ID } from './service.ts';
import { memoryFolder, removeFolder } from './store.ts';

const packageFolder = join(import.meta.dirname, '../..');

export interface Ran {
  /** What stood on stdout and stderr, with the folder of the home as `~`. */
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether somebody sits at a terminal; and what they answer when they are asked. */
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly isUnicode?: boolean;
  readonly answer?: boolean;
  readonly secret?: string;
  /** What of the host is another than in a real process. */
  readonly host?: (real: Host) => Partial<Host>;
}

/** A home of its own for the commands of a test, as a newcomer has it. */
export interface CliHome {
  readonly folder: string;
  /** Where the database is when nothing else is said. */
  readonly database: string;
  readonly config: string;
  /** Runs one command line in this process: words without spaces, or a list. */
  run(argv: string | readonly string[], options?: RunOptions): Promise<Ran>;
  remove(): void;
}

export function newCliHome(): CliHome {
  const folder = memoryFolder();
  const config = join(folder, 'config');
  const data = join(folder, 'data');
  return {
    folder,
    database: join(data, 'hodei', 'hodei.db'),
    config: join(config, 'hodei', 'config.yaml'),
    run: async (argv, options) => {
      const words = typeof argv === 'string' ? argv.split(' ') : argv;
      const env = { XDG_CONFIG_HOME: config, XDG_DATA_HOME: data, ...options?.env };
      const { out, err, code } = await runHodei(words, { ...options, env });
      return { out: out.replaceAll(folder, '~'), err: err.replaceAll(folder, '~'), code };
    },
    remove: () => removeFolder(folder),
  };
}

/** The whole program on the real host, at a terminal that remembers. */
async function runHodei(argv: readonly string[], options: RunOptions): Promise<Ran> {
  // As main does, before any file is made.
  process.umask(0o077);
  const { terminal, out, err } = fakeTerminal(options);
  const env = options.env ?? {};
  const real = createHost({
    env,
    umask: 0o022,
    packageFolder,
    version: '1.2.3',
    now: Date.now,
    traceId: TRACE_ID,
    say: (line) => terminal.err(line),
    log: () => undefined,
    beginChange: () => undefined,
  });
  const host = { ...real, ...options.host?.(real) };
  const code = await withEnvironment(env, () =>
    runProgram(argv, { terminal, host, isDebugging: true, newTraceId: () => TRACE_ID }),
  );
  return { out: out.join('\n'), err: err.join('\n'), code };
}

function fakeTerminal(options: RunOptions) {
  const { isTerminal = false, columns = 100, isUnicode = true, answer, secret } = options;
  const out: string[] = [];
  const err: string[] = [];
  const colour = new Chalk({ level: 0 });
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    outTaken: () => Promise.resolve(true),
    err: (line) => void err.push(line),
    errStatus: (words) => {
      if (isTerminal) err.push(`~ ${words}`);
    },
    isOutTerminal: isTerminal,
    isErrTerminal: isTerminal,
    isInTerminal: isTerminal,
    isInteractive: isTerminal,
    hasScreen: false,
    columns,
    isUnicode,
    outColour: colour,
    errColour: colour,
    confirm: async (question) => {
      err.push(`? ${question}`);
      return answer;
    },
    askSecret: async (question) => {
      err.push(`? ${question}`);
      return secret;
    },
    openScreen: () => Promise.reject(new Error('there is no screen here')),
  };
  return { terminal, out, err };
}

/** What looks for the folders of a user asks the process itself. */
async function withEnvironment<T>(
  env: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  }
}
