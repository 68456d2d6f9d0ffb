import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sayChange } from '../cli/commands/config.ts';
import type { Place, ServeOptions, StopSignal } from '../cli/host.ts';
import { logLevels, type Config, type LogLevel } from '../config/config.ts';
import { invalid, unavailable, type HodeiError } from '../domain/errors.ts';
import { settingsDocument } from '../domain/settings.ts';
import { escapeUnprintable } from '../domain/text.ts';
import type { Service } from '../service/call.ts';
import type { Caller } from '../service/operation.ts';
import { applySettings } from '../service/settings.ts';
import type { RunningServer } from '../http/server.ts';
import { callerOf, newTraceId } from './caller.ts';
import { watchChanges } from './changes.ts';
import { openService } from './connect.ts';
import { openLog, type LogTarget } from './log-file.ts';
import { storeSizes } from './store-sizes.ts';
import { servedTargetOf, type FileTarget } from './place.ts';
import { startWorkers, type Workers } from './workers.ts';
import { startUsageRollup } from './usage-rollup.ts';
import type { World } from './world.ts';

/**
 * Serves a database file until a signal says to stop; what is under way is finished then.
 * @throws what made the database unusable, after the server was closed.
 */
export async function serve(
  place: Place,
  options: ServeOptions,
  world: World,
  onListening: (url: string, place: string) => void,
): Promise<StopSignal> {
  const signals = stopSignals();
  try {
    world.beginChange();
    const target = await servedTargetOf(place, world);
    const caller: Caller = { ...callerOf(place, world), reason: 'hodei serve' };
    const hasTokens = await areThereTokens(target.path);
    const listening = { ...listeningOf(target.config, options, world), hasTokens };
    const { requireStartable } = await import('../http/server.ts');
    // Before anything is opened: a server that does not start has changed nothing.
    await requireStartable(listening);
    const log = openLog(target, world);
    signals.onHangUp(() => log.reopen());
    await prepareDatabase(target, caller, world);
    return await serveDatabase(target.path, { listening, log, signals }, world, onListening);
  } finally {
    signals.forget();
  }
}

interface Serving {
  readonly listening: Listening;
  readonly log: LogTarget;
  readonly signals: Signals;
}

async function serveDatabase(
  path: string,
  { listening, log, signals }: Serving,
  world: World,
  onListening: (url: string, place: string) => void,
): Promise<StopSignal> {
  const watch = watchDatabase(path);
  const workers = startWorkers(
    join(world.packageFolder, 'dist/worker.cjs'),
    path,
    listening.metrics.maxTenantLabels,
  );
  try {
    await Promise.race([workers.checkReady(), workers.broken]);
    const server = await listen({ ...listening, log }, workers, watch, world, path);
    const rollup = startUsageRollup(workers.service, newTraceId);
    try {
      signals.onHangUp(() => {
        log.reopen((message) => server.warn(message));
        // Who only rotates the log asks for no certificate.
        if (listening.tls !== undefined || !log.isFile) server.renewTlsIdentity();
      });
      onListening(server.url, path);
      return await Promise.race([signals.first, watch.broken, workers.broken]);
    } finally {
      await rollup.stop();
      await server.close();
    }
  } finally {
    watch.end();
    await workers.close();
  }
}

async function areThereTokens(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const { hasTokens } = await import('../store/sqlite/inspect.ts');
  return hasTokens(path);
}

/** Creates or migrates it, and puts the config in force, before the workers open it. */
async function prepareDatabase(target: FileTarget, caller: Caller, world: World): Promise<void> {
  const { store, service, begin } = await openService(target, caller, world, true);
  try {
    await begin();
    await applyConfig(service, target.config, caller, world);
  } finally {
    await store.close();
  }
}

type Listening = ReturnType<typeof listeningOf> & { readonly hasTokens: boolean };

/** Where and how to listen, flags before environment before config file. */
function listeningOf(config: Config, { host, port }: ServeOptions, world: World) {
  return {
    ...config.server,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    allowUnauthenticated: config.allowUnauthenticated,
    rateLimiting: config.rateLimiting,
    tls: config.tls,
    logLevel: logLevelOf(config, world),
    slowMs: config.slowMs,
    metrics: config.metrics,
    webhooks: config.webhooks.map(({ secretIn, ...webhook }) => {
      const secret = secretIn(world.env);
      return { ...webhook, secret: () => secret };
    }),
  };
}

async function listen(
  listening: Listening & { readonly log: LogTarget },
  { service, checkReady }: Workers,
  { watched }: DatabaseWatch,
  world: World,
  path: string,
): Promise<RunningServer> {
  const { startServer } = await import('../http/server.ts');
  return startServer({
    ...listening,
    service: (...call) => watched(() => service(...call)),
    checkReady: () => watched(checkReady),
    watchChanges: (tell) => watchChanges(path, tell),
    storeSizes: () => storeSizes(path),
    say: (line) => world.say(escapeUnprintable(line)),
    version: world.version,
    newTraceId,
  });
}

/** Puts the config file in force, so that no server decides by anything else. */
async function applyConfig(
  service: Service,
  { path, settings }: Config,
  caller: Caller,
  world: World,
): Promise<void> {
  if (path === undefined) return;
  const { changes, revision } = await service(applySettings, settingsDocument(settings), caller);
  if (changes.length === 0) return;
  for (const change of changes) world.say(sayChange(change));
  world.say(`${path} is in force as revision ${revision}.`);
}

function logLevelOf(config: Config, { env }: World): LogLevel {
  const text = env['HODEI_LOG'] || config.logLevel;
  const level = logLevels.find((known) => known === text);
  if (level !== undefined) return level;
  throw invalid(`HODEI_LOG is "${text}".`, `It is one of: ${logLevels.join(', ')}.`);
}

type Signals = ReturnType<typeof stopSignals>;

/**
 * The first signal asks to stop; the next one ends the process at once, as signals do. SIGHUP would
 * end it as well if nobody listened; to a server it says that its files have changed.
 */
function stopSignals() {
  const names = ['SIGTERM', 'SIGINT'] as const;
  let stop: (signal: StopSignal) => void;
  const first = new Promise<StopSignal>((resolve) => (stop = resolve));
  let hangUp = () => {};
  const onHangUp = () => hangUp();
  const forgetStops = () => names.forEach((name) => process.off(name, onSignal));
  const onSignal = (signal: NodeJS.Signals) => {
    forgetStops();
    stop(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  };
  for (const name of names) process.on(name, onSignal);
  process.on('SIGHUP', onHangUp);
  return {
    first,
    onHangUp: (work: () => void) => void (hangUp = work),
    forget() {
      forgetStops();
      process.off('SIGHUP', onHangUp);
    },
  };
}

const LOOK_MS = 5_000;

interface DatabaseWatch {
  /** Rejects when the file cannot be trusted any more. */
  readonly broken: Promise<never>;
  /** Work on the database whose failure may show that. */
  watched<T>(work: () => Promise<T>): Promise<T>;
  end(): void;
}

/** A server that went on with a broken file, or one that was moved away, would lose what it says. */
function watchDatabase(path: string): DatabaseWatch {
  let fail: (error: unknown) => void;
  const broken = new Promise<never>((_, reject) => (fail = reject));
  broken.catch(() => undefined);
  const { ino } = statSync(path);
  const timer = setInterval(() => {
    if (statSync(path, { throwIfNoEntry: false })?.ino !== ino) fail(movedAway(path));
  }, LOOK_MS).unref();
  return {
    broken,
    async watched(work) {
      try {
        return await work();
      } catch (error) {
        if (isFatal(error)) fail(error);
        throw error;
      }
    },
    end: () => clearInterval(timer),
  };
}

function movedAway(path: string): HodeiError {
  return unavailable(`${path} was moved away or replaced while hodei served it.`, {
    hint: 'What was written since is in the file that was there before.',
  });
}

/** What a restart may mend and going on may not: the disk failed, or the file is damaged. */
function isFatal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (/^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(String(code))) return true;
  return isFatal(error.cause);
}
