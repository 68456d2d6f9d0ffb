import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { contextNameProblem, LOCAL } from '../domain/context.ts';
import { HodeiError, invalid, notFound, unavailable } from '../domain/errors.ts';
import { parseToken } from '../domain/token.ts';
import { nearest } from '../service/nearest.ts';
import { sayCause, userFolders } from './config-file.ts';
import { readPrivate } from './private-file.ts';

/** A server that somebody has logged in to. */
export interface Context {
  readonly server: string;
  /** Undefined where the server wants none. */
  readonly token?: string;
  /** The file with the authority that is trusted there. */
  readonly ca?: string;
}

export interface Contexts {
  /** The name of the one that holds where nothing else is said. */
  readonly current: string;
  readonly servers: ReadonlyMap<string, Context>;
}

const none: Contexts = { current: LOCAL, servers: new Map() };

const reading = {
  what: 'what is in it',
  maxBytes: 1024 * 1024,
  mayBeLink: false,
};

/** Where the contexts of this user are kept. */
export async function contextsPath(): Promise<string> {
  return join((await userFolders()).config, 'contexts.json');
}

/** @throws invalid when others can read them, or the file is none of ours. */
export async function readContexts(): Promise<Contexts> {
  const path = await pathIfAny();
  const text = path === undefined ? undefined : readPrivate(path, reading);
  if (path === undefined || text === undefined) return none;
  const contexts = parse(text);
  if (contexts !== undefined) return contexts;
  // What stands in it is not shown: it holds secrets.
  throw invalid(
    `${path} is not a file of contexts any more.`,
    `Take it away, then log in again: rm ${path}`,
  );
}

/** Who has no folders of their own has no contexts there. */
async function pathIfAny(): Promise<string | undefined> {
  try {
    return await contextsPath();
  } catch (error) {
    if (error instanceof HodeiError) return undefined;
    throw error;
  }
}

/** The context of a name. @throws not_found with the nearest that there is. */
export function contextNamed({ servers }: Contexts, name: string): Context {
  const context = servers.get(name);
  if (context !== undefined) return context;
  const meant = nearest(name, [LOCAL, ...servers.keys()]);
  throw notFound(
    `Context not found: ${name}`,
    meant === undefined ? 'See which there are: hodei context list' : `Did you mean ${meant}?`,
  );
}

/** Writes them so that a reader finds the old ones or the new ones, and nobody else finds any. */
export async function writeContexts({ current, servers }: Contexts): Promise<void> {
  const path = await contextsPath();
  const document = { current, contexts: Object.fromEntries(servers) };
  const draft = `${path}.${process.pid}.tmp`;
  try {
    preparePrivateFolder(dirname(path));
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeSync(file, `${JSON.stringify(document, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw unavailable(`${path} cannot be written: ${sayCause(error)}.`);
  }
}

function preparePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(folder, 0o700);
}

function parse(text: string): Contexts | undefined {
  const document = objectIn(text);
  const { current, contexts } = document ?? {};
  if (typeof current !== 'string' || !isObject(contexts)) return undefined;
  const servers = new Map<string, Context>();
  for (const [name, value] of Object.entries(contexts)) {
    if (contextNameProblem(name) !== undefined || !isContext(value)) return undefined;
    servers.set(name, value);
  }
  const isThere = current === LOCAL || servers.has(current);
  return isThere ? { current, servers } : undefined;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isContext(value: unknown): value is Context {
  if (!isObject(value)) return false;
  const { server, token, ca } = value;
  const isToken =
    token === undefined || (typeof token === 'string' && parseToken(token) !== undefined);
  const isFile = ca === undefined || typeof ca === 'string';
  return typeof server === 'string' && URL.canParse(server) && isToken && isFile;
}
