import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Filled, Size } from './fill.ts';

// Seen from dist/bench, where it is built.
const door = fileURLToPath(new URL('../../bin/hodei.js', import.meta.url));
const bareRoutes = fileURLToPath(new URL('bare.mjs', import.meta.url));
const bareRows = fileURLToPath(new URL('bare-rows.mjs', import.meta.url));

export interface Server {
  readonly url: string;
  /** How much memory it has now, in MiB; NaN where the system does not tell. */
  residentMib(): number;
  close(): Promise<void>;
}

/** The built program on a database, in a process of its own. */
export function serve({ path }: Filled): Promise<Server> {
  return start([door, 'serve', '--port', '0', '--db', path], dirname(path));
}

/** What Fastify can do at most, in a process of its own too. */
export function serveBare({ path }: Filled): Promise<Server> {
  return start([bareRoutes], dirname(path));
}

/** The same with the rows of an admission written by hand, by another thread, many in one commit. */
export function serveBareRows({ path, tenants }: Size): Promise<Server> {
  return start([bareRows, path, String(tenants)], dirname(path));
}

/** A process that says where it listens, without config and without a log, as the bare one is. */
async function start(words: readonly string[], folder: string): Promise<Server> {
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, HODEI_LOG: 'silent' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, found] = /listening on (\S+)/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`${words.join(' ')} has ended: ${said}`)));
  });
  return {
    url,
    residentMib: () => residentMib(child.pid),
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function residentMib(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}
