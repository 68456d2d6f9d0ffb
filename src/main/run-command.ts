import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { CommandEnd, Signal, StartedCommand } from '../cli/host.ts';
import { secretVariables } from './credentials.ts';
import type { World } from './world.ts';

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const KILLED = 128;

/** Starts a command in place of hodei: with its input, its output, its environment and its umask. */
export function startCommand(
  [name = '', ...words]: readonly string[],
  world: World,
): StartedCommand {
  const own = process.umask(world.umask);
  try {
    const child = spawn(name, words, { stdio: 'inherit', env: inherited() });
    return {
      ended: endOf(child, name),
      pass: (signal) => {
        if (!isSentToAll(signal)) child.kill(signal);
      },
      end: () => void child.kill('SIGTERM'),
    };
  } catch (error) {
    // Some of what can go wrong is thrown at once, such as too long a list of arguments.
    const ended = Promise.resolve(notStarted(name, error));
    return { ended, pass: () => undefined, end: () => undefined };
  } finally {
    process.umask(own);
  }
}

/** What a job does is not done in the name of who started it. */
function inherited(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of secretVariables) Reflect.deleteProperty(env, name);
  return env;
}

/** What is typed at a terminal goes to all who stand there; twice, it could mean something else. */
function isSentToAll(signal: Signal): boolean {
  return ['SIGINT', 'SIGQUIT'].includes(signal) && process.stdin.isTTY;
}

function endOf(child: ChildProcess, name: string): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      // Said of a signal too that could not be sent; but then the command has been started.
      if (child.pid === undefined) resolve(notStarted(name, error));
    });
    child.on('exit', (code, signal) => {
      resolve({ exitCode: signal === null ? (code ?? 1) : KILLED + constants.signals[signal] });
    });
  });
}

function notStarted(name: string, error: unknown): CommandEnd {
  const { code, errno = 0 } = Object(error) as NodeJS.ErrnoException;
  if (code === 'ENOENT') return { exitCode: NOT_FOUND, problem: `${name}: command not found` };
  const [, why = String(error)] = getSystemErrorMap().get(errno) ?? [];
  return { exitCode: NOT_EXECUTABLE, problem: `${name}: ${why}` };
}
