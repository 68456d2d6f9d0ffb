import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterEach, beforeEach } from 'vitest';
import { newHome, type Home } from './hodei.ts';
import { startHodei, type Started } from './started.ts';

/** A new home for every test, and whatever was started in it is gone after. */
export function useProcesses() {
  let home: Home;
  let env: Record<string, string>;
  let started: ChildProcessWithoutNullStreams[];
  beforeEach(() => {
    home = newHome();
    env = home.env;
    started = [];
  });
  afterEach(() => {
    for (const child of started) child.kill('SIGKILL');
    home.remove();
  });
  const hodei = (...words: readonly string[]): Started => {
    const process = startHodei(home, env, words);
    started.push(process.child);
    return process;
  };
  return {
    hodei,
    /** A command line of plain words, to its end. */
    line: (text: string) => hodei(...text.split(' ')).ended,
    home: () => home,
    env: () => env,
    /** What is started from now on has this in its environment too. */
    setEnv: (more: Record<string, string>) => void (env = { ...env, ...more }),
  };
}
