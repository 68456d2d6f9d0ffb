import type { HodeiError } from '../domain/errors.ts';
import type { ChainBreak } from '../service/event-log.ts';
import type { FollowedView } from '../service/event-page.ts';
import type { FollowInput } from '../service/follow.ts';
import type { StoreSizes } from '../service/metric-families.ts';
import type { Call } from '../service/operation.ts';
import type { WhoamiView } from '../service/tokens.ts';

/** Flags that every command takes, and that say where it acts and as whom. */
export interface Place {
  readonly config?: string | undefined;
  readonly db?: string | undefined;
  readonly server?: string | undefined;
  readonly context?: string | undefined;
  readonly as?: string | undefined;
  readonly reason?: string | undefined;
}

/** What somebody who follows the events gets to know, in the order in which it happens. */
export type News =
  /** From here on nothing is missed. Said again after every break, behind which it is gone on. */
  | { readonly kind: 'open' }
  | { readonly kind: 'event'; readonly event: FollowedView }
  /** It could not be opened, or broke off; it is tried again. */
  | { readonly kind: 'broken'; readonly error: HodeiError };

/** Follows the events until the signal is aborted. */
export type Follow = (input: FollowInput, signal: AbortSignal) => AsyncGenerator<News>;

/** A place where operations are carried out: a file here, or a server. */
export interface Session {
  readonly call: Call;
  readonly follow: Follow;
  /** For people: the path of the file, or the URL. */
  readonly place: string;
  readonly isServer: boolean;
  /** The config file differs from the settings in force by so many keys. */
  readonly drift: { readonly file: string; readonly keys: number } | undefined;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly create: boolean;
  /** Nothing will be kept, so that a missing database is created only to be thrown away. */
  readonly dryRun: boolean;
}

export interface DatabaseStatus {
  readonly path: string;
  readonly bytes: number;
  readonly wal_bytes: number;
  readonly schema: number;
  readonly schema_known: number;
  readonly sqlite: string;
  readonly tenants: number;
  readonly events: number;
  readonly settings_revision: number | null;
}

export interface BackupReport {
  readonly file: string;
  readonly bytes: number;
  readonly tenants: number;
  readonly events: number;
  /** The first event that something other than hodei changed; a copy of it is still evidence. */
  readonly chain_broken_at: number | null;
  readonly chain_broken_why: ChainBreak['why'] | null;
  /** Balances that are not what the live jobs hold; they can be repaired in the copy too. */
  readonly ledger_differences: number;
}

export interface Check {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly subject: string;
  readonly finding: string;
  readonly hint?: string;
}

/** A config file as it is, or what would be in force without one. */
export interface LoadedConfig {
  /** The file; undefined when there is none and the defaults hold. */
  readonly path: string | undefined;
  /** Every key with its value, defaults included. */
  readonly document: unknown;
  /** The part that decides and is put in force by `config apply`. */
  readonly settings: Record<string, unknown>;
}

export interface ServeOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** How a server was told to stop. */
export type StopSignal = 'SIGTERM' | 'SIGINT';

/** Signals that are not for hodei alone while it waits, or runs a command. */
export type Signal = StopSignal | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR1' | 'SIGUSR2';

export interface Time {
  /** Epoch milliseconds, for what people read. */
  now(): number;
  /** Milliseconds since some moment: no clock that is set moves them. */
  passed(): number;
  /** Waits, and no longer than until the signal is aborted. */
  pause(milliseconds: number, until?: AbortSignal): Promise<void>;
}

/** How a command ended. */
export interface CommandEnd {
  /** As a shell has it: its code, 128 + the signal that killed it, 127 not found, 126 not executable. */
  readonly exitCode: number;
  /** Why it could not even be started. */
  readonly problem?: string;
}

/** A command that somebody gave to be run. */
export interface StartedCommand {
  readonly ended: Promise<CommandEnd>;
  /** Hands a signal on, unless the terminal that sent it has sent it to the command too. */
  pass(signal: Signal): void;
  /** Asks it to end. */
  end(): void;
}

/** A place with a name, as `hodei context` speaks of it. */
export interface ContextView {
  readonly name: string;
  /** Null: the database file here. */
  readonly server: string | null;
  readonly is_current: boolean;
  /** Whether a token is kept for it. */
  readonly has_token: boolean;
  /** The file with the authority that is trusted there. */
  readonly ca: string | null;
}

export interface ContextList {
  readonly contexts: readonly ContextView[];
  /** The variable that comes before the current context, where one is set. */
  readonly overriddenBy: string | undefined;
}

export interface LoginOptions {
  /** A file with the authority that is to be trusted there. */
  readonly ca?: string | undefined;
  readonly tokenFile?: string | undefined;
}

export interface LoggedIn {
  readonly context: string;
  readonly server: string;
  readonly who: WhoamiView;
  /** The variable that comes before this context, where one is set. */
  readonly overriddenBy: string | undefined;
}

/** The servers that somebody has logged in to. */
export interface ContextHost {
  list(): Promise<ContextList>;
  /** @throws not_found when there is none of this name. */
  use(name: string): Promise<ContextList>;
  delete(name: string): Promise<ContextList>;
  /**
   * Finds out who one is on a server, then keeps it as the current context. `askToken` is called
   * when no token is known otherwise; without one it is tried without.
   */
  login(
    place: Place,
    options: LoginOptions,
    askToken: (server: string) => Promise<string | undefined>,
  ): Promise<LoggedIn>;
}

/** What the program offers its commands beside operations; `main` is behind it. */
export interface Host {
  readonly version: string;
  /** Opens the place; a missing database is created only where `create` says so. */
  connect(place: Place, options: ConnectOptions): Promise<Session>;
  /** Serves until the process is told to stop. */
  serve(
    place: Place,
    options: ServeOptions,
    onListening: (url: string, place: string) => void,
  ): Promise<StopSignal>;
  readonly config: {
    load(place: Place): Promise<LoadedConfig>;
    /** The commented example, and where `config init` would write it. */
    example(): Promise<{ readonly text: string; readonly defaultPath: string }>;
    /** @throws conflict when the file exists. */
    write(path: string, text: string): Promise<void>;
  };
  readonly database: {
    status(place: Place): Promise<DatabaseStatus>;
    sizes(place: Place): Promise<StoreSizes>;
    migrate(place: Place): Promise<{ readonly path: string; readonly applied: readonly string[] }>;
    backup(place: Place, file: string): Promise<BackupReport>;
    /** With `dryRun` the backup is verified and nothing is changed. */
    restore(
      place: Place,
      file: string,
      options: { readonly dryRun: boolean },
    ): Promise<BackupReport>;
  };
  readonly contexts: ContextHost;
  doctor(place: Place): Promise<readonly Check[]>;
  readonly time: Time;
  /** A key by which a request that is sent again is known. */
  newKey(): string;
  /**
   * The text of a file; of the standard input where it is called `-`. No more than `maxBytes` of it
   * is ever held.
   */
  readText(path: string, maxBytes: number): Promise<string>;
  /**
   * The lines of a file or, called `-`, of the standard input, one after the other.
   * @throws invalid for a line that is too long or no text.
   */
  readLines(path: string): AsyncIterable<string>;
  /** Calls back in place of what these signals do. @returns how to undo that. */
  onSignals(signals: readonly Signal[], hear: (signal: Signal) => void): () => void;
  /** Starts a command with the input and output of this process. */
  startCommand(argv: readonly string[]): Promise<StartedCommand>;
}
