import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { door, type Home } from './hodei.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** The first match in what it writes, once it is there. */
  hear(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Ended>;
}

/** A real process of hodei in a home; its input stays open. */
export function startHodei(
  { folder }: Home,
  env: Readonly<Record<string, string>>,
  words: readonly string[],
): Started {
  const child = spawn(process.execPath, [door, ...words], { cwd: folder, env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  const hear = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(`${out}\n${err}`);
      if (found !== null) return found[1] ?? found[0];
      const news = [child.stdout, child.stderr].map((stream) => once(stream, 'data'));
      const end = await Promise.race([...news, ended]);
      if ('code' in end)
        throw new Error(`${String(pattern)} was never said: ${JSON.stringify(end)}`);
    }
  };
  return { child, hear, ended };
}
