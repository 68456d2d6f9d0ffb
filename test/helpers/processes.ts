import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');

/**
 * Bundles a file that stands beside this one into a folder, so that a process or a thread starts in
 * a tenth of a second.
 * @returns the file to run.
 */
export async function bundleWorker(folder: string, name = 'worker'): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
    ...{ alias: { 'better-sqlite3': sqlite }, external: [sqlite] },
  });
  return outfile;
}

export interface Process {
  readonly pid: number;
  /** Sends one line. */
  say(line: string): void;
  /** The next line that it writes; undefined when it has ended. */
  hear(): Promise<string | undefined>;
  /** SIGKILL: nothing of it runs any more when the promise resolves. */
  kill(): Promise<void>;
  /** Its exit code and all that it wrote on stderr, once it has ended by itself. */
  end(): Promise<{ code: number | null; stderr: string }>;
}

/** A real process that talks in lines. */
export function startProcess(command: string, ...args: string[]): Process {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // Who is killed does not read what he is told any more.
  child.stdin.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    say: (line) => void child.stdin.write(`${line}\n`),
    async hear() {
      const { done, value } = await lines.next();
      return done === true ? undefined : value;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async end() {
      child.stdin.end();
      const [code] = await exited;
      return { code, stderr };
    },
  };
}

/** A process of hodei that does one of the works of `worker.ts`. */
export function startWorker(worker: string, work: string, ...args: string[]): Process {
  return startProcess(process.execPath, '--enable-source-maps', worker, work, ...args);
}
