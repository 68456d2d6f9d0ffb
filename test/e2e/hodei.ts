import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const door = fileURLToPath(new URL('../../bin/hodei.js', import.meta.url));

/** A home of its own, with `hodei` on the path, as a newcomer has it. */
export interface Home {
  readonly folder: string;
  readonly env: Record<string, string>;
  remove(): void;
}

export function newHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'hodei-home-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'hodei'), `#!/bin/sh\nexec "${process.execPath}" "${door}" "$@"\n`);
  chmodSync(join(bin, 'hodei'), 0o755);
  const env = {
    HOME: folder,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
  };
  return { folder, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
