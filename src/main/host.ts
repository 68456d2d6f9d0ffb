import { writeFileSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Host, LoadedConfig, Place } from '../cli/host.ts';
import { conflict, unavailable, type HodeiError } from '../domain/errors.ts';
import { settingsDocument } from '../domain/settings.ts';
import { newId } from './caller.ts';
import { configFor, sayCause, usualConfigPath } from './config-file.ts';
import { connect } from './connect.ts';
import { databasePathOf } from './place.ts';
import { onSignals, pause } from './waiting.ts';
import type { World } from './world.ts';

/** What the commands are offered, each part loaded when it is first used. */
export function createHost(world: World): Host {
  return {
    version: world.version,
    connect: (place, options) => connect(place, world, options),
    serve: async (place, options, onListening) => {
      const { serve } = await import('./serve.ts');
      return serve(place, options, world, onListening);
    },
    config: {
      load: (place) => loadConfig(place, world),
      example: () => exampleConfig(world),
      write: async (path, text) => writeNew(resolve(path), text),
    },
    database: databaseHost(world),
    contexts: contextHost(world),
    doctor: async (place) => (await import('./doctor.ts')).doctor(place, world),
    time: {
      now: world.now,
      passed: () => performance.now(),
      pause,
    },
    newKey: () => newId('key'),
    readText: async (path, maxBytes) => {
      const { readText } = await import('./read-text.ts');
      return readText(path, maxBytes);
    },
    readLines: (path) => linesOf(path),
    onSignals,
    startCommand: async (argv) => (await import('./run-command.ts')).startCommand(argv, world),
  };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  yield* (await import('./read-lines.ts')).readLines(path);
}

function databaseHost(world: World): Host['database'] {
  const commands = async () => (await import('./database.ts')).databaseCommands(world);
  return {
    status: async (place) => (await commands()).status(place),
    sizes: async (place) => (await commands()).sizes(place),
    migrate: async (place) => (await commands()).migrate(place),
    backup: async (place, file) => (await commands()).backup(place, file),
    restore: async (place, file, options) => (await commands()).restore(place, file, options),
  };
}

function contextHost(world: World): Host['contexts'] {
  const commands = async () => (await import('./context-commands.ts')).contextCommands(world);
  return {
    list: async () => (await commands()).list(),
    use: async (name) => (await commands()).use(name),
    delete: async (name) => (await commands()).delete(name),
    login: async (place, options, askToken) =>
      (await import('./login.ts')).login(place, options, askToken, world),
  };
}

async function loadConfig(place: Place, world: World): Promise<LoadedConfig> {
  const config = await configFor(place, world);
  const { describeConfig } = await import('../config/show.ts');
  // Where the database is without flags and environment, which the file alone does not know.
  const path = await databasePathOf({}, { ...world, env: {} }, config);
  return {
    path: config.path,
    document: { ...describeConfig(config), database: { path } },
    settings: { ...settingsDocument(config.settings) },
  };
}

async function exampleConfig({ packageFolder }: World) {
  const { exampleConfig: readExample } = await import('../config/show.ts');
  return { text: readExample(packageFolder), defaultPath: await usualConfigPath() };
}

function writeNew(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

function notWritten(path: string, cause: unknown): HodeiError {
  const { code, syscall } = Object(cause) as { code?: unknown; syscall?: unknown };
  if (code === 'EEXIST' && syscall === 'open') {
    return conflict(`${path} exists already.`, 'Name another file with --file.');
  }
  return unavailable(`${path} cannot be written: ${sayCause(cause)}.`, { cause });
}
