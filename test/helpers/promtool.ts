import { spawnSync } from 'node:child_process';

/** Why promtool cannot be asked here; undefined where it can. */
export function whyNoPromtool(): string | undefined {
  const isThere = spawnSync('promtool', ['--version']).error === undefined;
  return isThere ? undefined : 'promtool is missing: apt-get install prometheus';
}

/** What promtool says, and whether it is content. */
export function promtool(args: readonly string[], input = '', cwd?: string) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, cwd, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}
