// Makes dist/hodei.cjs.cache: what V8 has compiled once the usual commands have run.
// Runs at the end of a build, and after an installation, because a cache fits one Node only.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const bundlePath = join(dirname(self), '..', 'dist', 'hodei.cjs');

/** What should start fast. All of a cache is read at every start, so rare commands are left out. */
const usualCommands = [
  'tenant create warm-up --email warm-up@example.com',
  'tenant list',
  'tenant get warm-up --json',
  'quota set warm-up --cpu 2 --memory 4Gi',
  'quota get warm-up',
];

/** Begins the lines of the warm-up that are worth repeating. */
const note = 'code cache: ';

/** Throws when there is a bundle and no cache can be made of it. */
export function makeCodeCache() {
  if (!existsSync(bundlePath)) {
    console.log(note + 'there is no dist/hodei.cjs yet, nothing to do');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'hodei-code-cache-'));
  try {
    warmUpElsewhere(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own: with flags out of NODE_OPTIONS, V8 would make a cache that fits nobody else. */
function warmUpElsewhere(folder) {
  const child = spawnSync(process.execPath, [self, '--warm-up'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (child.status !== 0) {
    throw child.error ?? new Error(`the warm-up ended with ${child.status}\n${child.stderr}`);
  }
  for (const line of child.stderr.split('\n')) if (line.startsWith(note)) console.log(line);
}

async function warmUp() {
  const { load } = createRequire(self)('../bin/hodei.js');
  const program = load();
  const database = join(process.cwd(), 'warm-up.db');
  for (const command of usualCommands) {
    const exitCode = await program.main(['--db', database, ...command.split(' ')]);
    if (exitCode !== 0) console.error(`${note}"hodei ${command}" ended with ${exitCode}`);
  }
  replaceFile(`${bundlePath}.cache`, program.createCache());
}

/**
 * On the disk before it is in its place: half a cache is worse than none. For all who may read the
 * bundle, whatever umask the warm-up has left: who installs is often not who runs it.
 */
function replaceFile(path, data) {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  fchmodSync(file, statSync(bundlePath).mode & 0o777);
  writeFileSync(file, data);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
}

/** hodei works without the cache, a little slower, so an installation does not fail for want of it. */
function makeIfPossible() {
  try {
    makeCodeCache();
  } catch (error) {
    console.error(`${note}not made, and hodei starts without it: ${error.message}`);
  }
}

const isCalledDirectly = process.argv[1] !== undefined && realpathSync(process.argv[1]) === self;
if (isCalledDirectly && process.argv[2] === '--warm-up') {
  await warmUp();
  process.exit(0);
} else if (isCalledDirectly) makeIfPossible();
