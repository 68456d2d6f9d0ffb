import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Why system calls cannot be made to fail here; undefined where they can. */
export function whyNoFaults(): string | undefined {
  if (spawnSync('strace', ['-V']).error !== undefined) {
    return 'strace is missing: apt-get install strace';
  }
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true']);
  return status === 0 ? undefined : 'ptrace is not permitted here: strace can trace nothing';
}

/** What befalls a process at a system call: its end, or an error in place of the call. */
export const faults = ['KILL', 'EIO', 'ENOSPC', 'EIO ever after'] as const;

export type Fault = (typeof faults)[number];

/** All that writes to a file, makes it durable, cuts it or takes it away. */
const WRITING = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'fsync', 'fdatasync'],
  ...['sync_file_range', 'ftruncate', 'fallocate', 'unlink', 'unlinkat', 'rename'],
];

export interface Injection {
  readonly call: string;
  /** The first such call is 1. */
  readonly at: number;
  readonly fault: Fault;
}

export interface Trace {
  /** The calls that write to the files, in their order. */
  readonly calls: readonly string[];
  /** Whether what was injected came to pass. */
  readonly hasFired: boolean;
}

/**
 * Watches the main thread of a process while it works, and makes one of its calls on some files fail.
 * Counting begins when it is attached, so that nothing before that matters.
 * @param work answers whether the process is still there after it.
 */
export async function traceWhile(
  pid: number,
  { files, log }: { readonly files: readonly string[]; readonly log: string },
  injection: Injection | undefined,
  work: () => Promise<boolean>,
): Promise<Trace> {
  const paths = files.flatMap((file) => ['-P', file]);
  const inject = injection === undefined ? [] : ['-e', `inject=${injectionOf(injection)}`];
  const watching = ['-e', `trace=${WRITING.join(',')}`, ...paths, ...inject];
  const strace = spawn('strace', ['-p', String(pid), '-y', '-o', log, ...watching], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(strace, 'exit');
  await new Promise<void>((resolve, reject) => {
    let said = '';
    strace.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('attached')) resolve();
    });
    void exited.then(() => reject(new Error(said)));
  });
  // Of a process that is no more strace has the last word by itself.
  if (await work()) strace.kill('SIGINT');
  await exited;
  const lines = readFileSync(log, 'utf8').split('\n');
  return {
    calls: lines.flatMap((line) => /^(\w+)\(/.exec(line)?.[1] ?? []),
    hasFired: lines.some((line) => /\(INJECTED\)$|^\+\+\+ killed by SIGKILL/.test(line)),
  };
}

function injectionOf({ call, at, fault }: Injection): string {
  if (fault === 'KILL') return `${call}:signal=KILL:when=${at}`;
  const [error, ...everAfter] = fault.split(' ');
  return `${call}:error=${error}:when=${at}${everAfter.length > 0 ? '+' : ''}`;
}
