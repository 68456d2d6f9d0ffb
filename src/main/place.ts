import { join, resolve } from 'node:path';
import type { Place } from '../cli/host.ts';
import type { Config } from '../config/config.ts';
import { LOCAL } from '../domain/context.ts';
import { invalid } from '../domain/errors.ts';
import { configFor, userFolders, type Search } from './config-file.ts';
import type { ServerTarget } from './servers.ts';
import type { World } from './world.ts';

/** A database file and the config that holds there. */
export interface FileTarget {
  readonly path: string;
  readonly config: Config;
}

export type Target = FileTarget | ServerTarget;

/** Where a command acts: flags before environment before context before config file. */
export async function targetOf(place: Place, world: World): Promise<Target> {
  return (await serverOf(place, world)) ?? fileTargetOf(place, world);
}

/**
 * The same for what works on the file itself.
 * @throws invalid when the place is a server.
 */
export async function localTargetOf(place: Place, world: World): Promise<FileTarget> {
  const server = await serverOf(place, world);
  if (server === undefined) return fileTargetOf(place, world);
  const { namedBy, context = '', url } = server;
  if (namedBy !== CURRENT) {
    throw invalid(
      `hodei db works on a database file, and ${namedBy} names a server.`,
      'Run it where the file is, and name the file with --db.',
    );
  }
  throw invalid(
    `hodei db works on a database file, and the current context, ${context}, is a server (${url}).`,
    'Name the file with --db, or take the usual one here with --context local.',
  );
}

/** The same for the server itself, which no server stands for. */
export async function servedTargetOf(place: Place, world: World): Promise<FileTarget> {
  const flag = place.server !== undefined ? '--server' : '--context';
  if (place.server !== undefined || (place.context ?? LOCAL) !== LOCAL) {
    throw invalid(`hodei serve is a server itself, and ${flag} names another one.`);
  }
  return fileTargetOf(place, world, { inWorkingFolder: true });
}

/** The server that is named, or that of the context in force; undefined: a file. */
export async function serverOf(place: Place, world: World): Promise<ServerTarget | undefined> {
  const named = namedPlace(place, world);
  if (named?.kind === 'db' || (named?.kind === 'context' && named.value === LOCAL))
    return undefined;
  if (named?.value === '') throw invalid(`The ${words[named.kind]} is empty.`);
  // Read last, so that who names a file needs none of this.
  const { currentServer, serverNamed, serverAt } = await import('./servers.ts');
  if (named === undefined) return currentServer(world, CURRENT);
  const { kind, value, by } = named;
  return kind === 'server' ? serverAt(value, by, world) : serverNamed(value, by, world);
}

const CURRENT = 'the current context';

const words = { db: 'file', server: 'URL of the server', context: 'name of the context' } as const;

interface Named {
  readonly kind: keyof typeof words;
  readonly value: string;
  /** The flag, or the variable. */
  readonly by: string;
}

/** What the flags say, or else the environment. */
function namedPlace({ db, server, context }: Place, { env }: World): Named | undefined {
  const flags = [
    { kind: 'db', value: db, by: '--db' },
    { kind: 'server', value: server, by: '--server' },
    { kind: 'context', value: context, by: '--context' },
  ] as const;
  const variables = flags.map(({ kind }) => {
    const by = `HODEI_${kind.toUpperCase()}`;
    return { kind, value: env[by] || undefined, by };
  });
  return onlyOne(flags) ?? onlyOne(variables);
}

/** @throws invalid when there are several: one of them would be ignored in silence. */
function onlyOne(
  all: readonly (Omit<Named, 'value'> & { readonly value: string | undefined })[],
): Named | undefined {
  const [first, second] = all.filter((each): each is Named => each.value !== undefined);
  if (first === undefined || second === undefined) return first;
  throw invalid(`${first.by} and ${second.by} name two places. Name one of them.`);
}

async function fileTargetOf(place: Place, world: World, search?: Search): Promise<FileTarget> {
  const config = await configFor(place, world, search);
  return { path: await databasePathOf(place, world, config), config };
}

/** Also where there is no sound config file, so that `doctor` can look at the database. */
export async function databasePathOf(
  { db }: Place,
  { env }: World,
  config: Config,
): Promise<string> {
  const named = (db ?? (env['HODEI_DB'] || config.databasePath))?.trim();
  if (named === '') throw invalid('The name of the database file is empty.');
  return resolve(named ?? join((await userFolders()).data, 'hodei.db'));
}
