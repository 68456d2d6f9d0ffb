import { join, resolve } from 'node:path';
import type { Place } from '../cli/host.ts';
import type { Config } from '../config/config.ts';
import { invalid } from '../domain/errors.ts';
import { configFor, userFolders, type Search } from './config-file.ts';
import type { World } from './world.ts';

/** A database file and the config that holds there. */
export interface FileTarget {
  readonly path: string;
  readonly config: Config;
}

export type Target = FileTarget | { readonly url: string };

/** Where a command acts: flags before environment before config file before the defaults. */
export async function targetOf(place: Place, world: World): Promise<Target> {
  const url = serverOf(place, world);
  return url === undefined ? fileTargetOf(place, world) : { url };
}

/**
 * The same for what works on the file itself.
 * @throws invalid when the place is a server.
 */
export async function localTargetOf(place: Place, world: World): Promise<FileTarget> {
  if (serverOf(place, world) === undefined) return fileTargetOf(place, world);
  const flag = place.server === undefined ? 'HODEI_SERVER' : '--server';
  throw invalid(
    `hodei db works on a database file, and ${flag} names a server.`,
    'Run it where the file is, and name the file with --db.',
  );
}

/** The same for the server itself, which no server stands for. */
export async function servedTargetOf(place: Place, world: World): Promise<FileTarget> {
  if (place.server !== undefined) {
    throw invalid('hodei serve is a server itself, and --server names another one.');
  }
  return fileTargetOf(place, world, { inWorkingFolder: true });
}

/** The URL of a server, where one is named. */
export function serverOf({ db, server }: Place, { env }: World): string | undefined {
  if (db !== undefined && server !== undefined) {
    throw invalid('--db and --server name two places. Name one of them.');
  }
  if (server === '') throw invalid('The URL of the server is empty.');
  if (server !== undefined || db !== undefined) return server;
  return env['HODEI_SERVER'] || undefined;
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
