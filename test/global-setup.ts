import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Tests that start the whole program shall start the present one. */
export default function buildIfStale(): void {
  if (!existsSync(join(root, 'src/main.ts'))) return;
  const sources = ['src', 'scripts', 'package.json', 'package-lock.json'];
  const built = changedAt('dist/hodei.cjs.cache');
  if (sources.every((source) => changedAt(source) < built)) return;
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
}

/** When a file, or the youngest file in a folder, was last written; 0 when there is none. */
function changedAt(path: string): number {
  const whole = join(root, path);
  const stats = statSync(whole, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  const inside = readdirSync(whole).map((name) => changedAt(join(path, name)));
  // The folder itself too: a file that was deleted leaves its trace there.
  return Math.max(stats.mtimeMs, ...inside);
}
