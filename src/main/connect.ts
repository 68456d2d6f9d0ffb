import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectOptions, Place, Session } from '../cli/host.ts';
import type { Config } from '../config/config.ts';
import { HodeiError } from '../domain/errors.ts';
import { diffSettings } from '../domain/settings-diff.ts';
import { callLocal, type Service } from '../service/call.ts';
import { steadyClock } from '../service/clock.ts';
import { lazy, type Caller } from '../service/operation.ts';
import { settingsInForce } from '../service/settings-in-force.ts';
import type { Store } from '../store/store.ts';
import { callerOf, newId, notesOf } from './caller.ts';
import { systemTime } from './clock.ts';
import { followFile, followOn } from './follow.ts';
import { targetOf, type FileTarget } from './place.ts';
import type { ServerTarget } from './servers.ts';
import type { World } from './world.ts';

/** Opens the place that the flags name: a file here, or a server. */
export async function connect(
  place: Place,
  world: World,
  { create, dryRun }: ConnectOptions,
): Promise<Session> {
  const target = await targetOf(place, world);
  if ('url' in target) return connectRemote(target, place, world);
  const caller = callerOf(place, world);
  const isRehearsal = create && dryRun && !existsSync(target.path);
  return isRehearsal
    ? connectNowhere(target, caller, world)
    : connectFile(target, caller, world, create);
}

/** What would follow on a database that is not there yet is tried on one that does not stay. */
async function connectNowhere(target: FileTarget, caller: Caller, world: World): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'hodei-'));
  const elsewhere = { ...target, path: join(folder, 'hodei.db') };
  const session = await connectFile(elsewhere, caller, world, true);
  return {
    ...session,
    place: target.path,
    async close() {
      await session.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function connectRemote(target: ServerTarget, place: Place, world: World): Promise<Session> {
  const { callRemote } = await import('../http/client.ts');
  const { followRemote } = await import('../http/follow.ts');
  const over = new AbortController();
  const call = callRemote({ ...target, ...notesOf(place), signal: over.signal });
  return {
    follow: (input, signal) => followOn(followRemote(target), input, signal),
    call: (operation, input, options) => {
      if (!operation.isReadOnly) world.beginChange();
      return call(operation, input, options);
    },
    place: sayServer(target),
    isServer: true,
    drift: undefined,
    // An answer that nobody waits for any longer must not keep the process.
    close: async () => over.abort(),
  };
}

function sayServer({ url, context }: ServerTarget): string {
  return context === undefined ? url : `${url} (context ${context})`;
}

async function connectFile(
  target: FileTarget,
  caller: Caller,
  world: World,
  create: boolean,
): Promise<Session> {
  const { store, service, begin } = await openService(target, caller, world, create);
  return {
    follow: (input, signal) =>
      followOn(
        followFile(target.path, (operation, asked) => service(operation, asked, caller)),
        input,
        signal,
      ),
    call: async (operation, input, options) => {
      if (!operation.isReadOnly) world.beginChange();
      // What puts settings in force itself shall be able to say that there were none.
      if (create && operation.name !== 'config.apply') await begin();
      return service(operation, input, { ...caller, ...options });
    },
    place: target.path,
    isServer: false,
    drift: await driftOf(store, target.config),
    // Whatever was acknowledged is on the disk, so that nothing is lost when this fails.
    close: () => store.close().catch(() => undefined),
  };
}

export interface OpenService {
  readonly store: Store;
  readonly service: Service;
  /** Puts the settings of the config in force where there are none: in a new database. */
  readonly begin: () => Promise<void>;
}

/** The service on a file. */
export async function openService(
  { path, config }: FileTarget,
  caller: Caller,
  { now }: World,
  create: boolean,
): Promise<OpenService> {
  const { openSqliteStore } = await import('../store/sqlite/store.ts');
  const store = openSqliteStore({ path, create, now });
  const environment = { now: steadyClock(systemTime(now)), newId };
  const begin = lazy(async () => {
    const { beginSettings } = await import('../service/settings.ts');
    await beginSettings(store, environment, caller, config.settings);
  });
  return { store, service: callLocal(store, environment), begin };
}

/** How far the config file is from what is in force; undefined where there is nothing to say. */
export async function driftOf(store: Store, config: Config): Promise<Session['drift']> {
  if (config.path === undefined) return undefined;
  try {
    const inForce = await store.read(settingsInForce);
    const keys = diffSettings(inForce, config.settings).length;
    return keys === 0 ? undefined : { file: config.path, keys };
  } catch (error) {
    // No database yet, or one that cannot be read: the command itself will say so.
    if (error instanceof HodeiError) return undefined;
    throw error;
  }
}
