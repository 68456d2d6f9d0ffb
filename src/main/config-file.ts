import { isUtf8 } from 'node:buffer';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Place } from '../cli/host.ts';
import { defaultConfig, MAX_CONFIG_BYTES, type Config } from '../config/config.ts';
import { invalid, unavailable, type HodeiError } from '../domain/errors.ts';
import type { World } from './world.ts';

/** A server is started from a folder made for it; other commands from wherever somebody stands. */
export interface Search {
  readonly inWorkingFolder: boolean;
}

/**
 * The config file that holds, or the defaults: the one that is named, else the first that exists.
 * @throws unavailable when one is named but missing, invalid when it is wrong.
 */
export async function configFor(
  place: Pick<Place, 'config'>,
  { env }: World,
  search: Search = { inWorkingFolder: false },
): Promise<Config> {
  const named = place.config ?? (env['HODEI_CONFIG_PATH'] || undefined);
  if (named !== undefined) return readConfig(named, env);
  if (search.inWorkingFolder && existsSync('config.yaml')) return readConfig('config.yaml', env);
  // Who has no folders of their own has no config file there.
  const usual = await usualConfigPath().catch(() => undefined);
  return usual !== undefined && existsSync(usual) ? readConfig(usual, env) : defaultConfig();
}

/** Where a config file is found without being named. */
export async function usualConfigPath(): Promise<string> {
  return join((await userFolders()).config, 'config.yaml');
}

interface Folders {
  readonly config: string;
  readonly data: string;
}

/**
 * The folders of this user for the program's files.
 * @throws unavailable when the user has no home, or one that depends on where somebody stands.
 */
export async function userFolders(): Promise<Folders> {
  const folders = await envFolders();
  if (isAbsolute(folders.config) && isAbsolute(folders.data)) return folders;
  throw noHome('HOME or an XDG folder is not an absolute path');
}

async function envFolders(): Promise<Folders> {
  try {
    const { default: envPaths } = await import('env-paths');
    return envPaths('hodei', { suffix: '' });
  } catch (cause) {
    throw noHome('this user has no home folder', cause);
  }
}

function noHome(why: string, cause?: unknown): HodeiError {
  return unavailable(`There is no folder for hodei's files: ${why}.`, {
    hint: 'Set HOME, or name the files with --db and --config.',
    cause,
  });
}

async function readConfig(path: string, env: World['env']): Promise<Config> {
  if (path === '') throw invalid('The name of the config file is empty.');
  const text = readText(path);
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig({ path, text, env });
}

function readText(path: string): string {
  if (!existsSync(path)) {
    throw unavailable(`There is no config file at ${resolve(path)}.`, {
      hint: `Write one with hodei config init --file ${path}, or name another with --config.`,
    });
  }
  const bytes = readBytes(path);
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw invalid(`${path} is larger than ${MAX_CONFIG_BYTES} bytes, which no config file is.`);
  }
  if (!isUtf8(bytes)) throw invalid(`${path} is not UTF-8 text.`);
  return bytes.toString();
}

/** No more than shows that it is too large: a device has no size, and no end. */
function readBytes(path: string): Buffer {
  const bytes = Buffer.allocUnsafe(MAX_CONFIG_BYTES + 1);
  let file: number | undefined;
  let length = 0;
  try {
    file = openSync(path, 'r');
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
  } catch (cause) {
    throw unavailable(`${path} cannot be read: ${sayCause(cause)}.`, { cause });
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return bytes.subarray(0, length);
}

/** What the system said, without its code and the path that is named already. */
export function sayCause(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/, '');
}
