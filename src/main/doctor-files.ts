import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sayBytes } from '../cli/commands/db.ts';
import { sayList } from '../cli/words.ts';
import type { Finding } from './finding.ts';

/** What others than the owner shall not do with some files. */
interface Rule {
  readonly paths: readonly string[];
  readonly refused: number;
  readonly words: string;
  readonly remedy: string;
}

export const notReadable = { refused: 0o077, words: 'can be read by others', remedy: 'go=' };
export const notWritable = { refused: 0o022, words: 'can be changed by others', remedy: 'go-w' };

/** Whether others can read or change files, or change the folder in which they lie. */
export function modesCheck(
  subject: string,
  sayPath: (path: string) => string,
  file: Omit<Rule, 'paths'> & { readonly paths: readonly [string, ...string[]] },
): Finding {
  const [first] = file.paths;
  const folder = dirname(first);
  const rules: readonly Rule[] = [file, { ...notWritable, paths: [folder] }];
  const broken = rules.map(withLoosePaths).filter(({ paths }) => paths.length > 0);
  if (broken.length === 0 || process.platform === 'win32') {
    const modes = `${octal(modeOf(first))} in a folder ${octal(modeOf(folder))}`;
    return { status: 'ok', finding: `${subject}: ${sayPath(first)} ${modes}` };
  }
  const sayName = (path: string) => (path === folder ? 'the folder' : sayPath(path));
  const problems = broken.map(({ paths, words }) => {
    const modes = [...new Set(paths.map((path) => octal(modeOf(path))))].join(', ');
    return `${sayList(paths.map(sayName))} ${words} (${modes})`;
  });
  return {
    status: 'warn',
    finding: `${subject}: ${problems.join(', ')}`,
    hint: broken.map(({ paths, remedy }) => `chmod ${remedy} ${paths.join(' ')}`).join('; '),
  };
}

function withLoosePaths(rule: Rule): Rule {
  const isLoose = (path: string) => existsSync(path) && (modeOf(path) & rule.refused) !== 0;
  return { ...rule, paths: rule.paths.filter(isLoose) };
}

/** What restores of this database are prepared in; nothing where nobody may look. */
export function leftDrafts(database: string): string[] {
  const folder = dirname(database);
  const start = `${basename(database)}.restore-`;
  const isDraft = (name: string) =>
    name.startsWith(start) && /^[0-9a-f]{8}$/.test(name.slice(start.length));
  try {
    return readdirSync(folder)
      .filter(isDraft)
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

const LOW_DISK_BYTES = 1024 ** 3;

/** Whether there is room to go on, on a disk that keeps what it is given. */
export async function diskCheck(database: string): Promise<Finding> {
  const folder = existingFolder(dirname(database));
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const kind = filesystemOf(folder);
  const finding = `disk: ${sayBytes(free)} free${kind === undefined ? '' : `, ${kind}`}`;
  if (kind !== undefined && isShared(kind)) {
    return {
      status: 'warn',
      finding: `${finding}: shared with other machines`,
      hint: 'SQLite is safe on a local disk only',
    };
  }
  const size = existsSync(database) ? statSync(database).size : 0;
  if (free >= LOW_DISK_BYTES && free >= 2 * size) return { status: 'ok', finding };
  const need = Math.max(LOW_DISK_BYTES, 2 * size);
  return { status: 'warn', finding, hint: `a backup and the WAL need up to ${sayBytes(need)}` };
}

function existingFolder(folder: string): string {
  return existsSync(folder) ? folder : existingFolder(dirname(folder));
}

/** Linux says by name what kind of filesystem a folder is on; elsewhere nothing is known. */
function filesystemOf(folder: string): string | undefined {
  const table = '/proc/self/mountinfo';
  return existsSync(table) ? filesystemIn(readFileSync(table, 'utf8'), folder) : undefined;
}

/** The kind of filesystem below a folder, by a table as /proc/self/mountinfo has it. */
export function filesystemIn(mountinfo: string, folder: string): string | undefined {
  let best = { point: '', kind: undefined as string | undefined };
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const point = unescapeOctal(before.split(' ')[4] ?? '');
    const isAbove = point === '/' || folder === point || folder.startsWith(`${point}/`);
    // Of several mounts on one point the last hides the others.
    if (point === '' || !isAbove || point.length < best.point.length) continue;
    best = { point, kind: after.split(' ')[0] };
  }
  return best.kind;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

const sharedKinds =
  /^(nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|lustre|glusterfs|gpfs|ocfs2|vboxsf|virtiofs|fuse\.(?!ext|ntfs|fuse-overlayfs).*)$/;

/** Whether other machines write there as well, so that locks and WAL cannot be relied on. */
export function isShared(kind: string): boolean {
  return sharedKinds.test(kind);
}
