import { USUAL_TENANT_LABELS } from '../domain/metrics.ts';
import { defaultSettings, type Settings } from '../domain/settings.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/** The two files that TLS needs, in PEM form. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Who is told of events. */
export interface WebhookConfig {
  readonly name: string;
  readonly url: string;
  /** Nouns and names of the events. */
  readonly kinds: readonly string[];
  /**
   * The secret, with the environment put in: a value of its own would be shown with the config.
   * @throws invalid when it is not there, or too short.
   */
  secretIn(env: ConfigSource['env']): string;
}

/** How Prometheus is told. */
export interface MetricsConfig {
  readonly enabled: boolean;
  readonly path: string;
  /** So many tenants are named; all others are one. */
  readonly maxTenantLabels: number;
}

/** What a config file says, or the defaults where it says nothing. */
export interface Config {
  /** The file it was read from. */
  readonly path: string | undefined;
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** Names that the Host header of a request may carry beside the server's own. */
    readonly allowedHosts: readonly string[];
    /** Origins whose pages may read answers. */
    readonly corsOrigins: readonly string[];
    /** Addresses and networks of the proxies in front of the server; none where it is empty. */
    readonly trustedProxies: readonly string[];
    readonly limits: {
      /** How many connections are served at the same time. */
      readonly connections: number;
      /** How many calls are carried out at the same time. */
      readonly inFlight: number;
    };
  };
  readonly databasePath: string | undefined;
  readonly settings: Settings;
  readonly logLevel: LogLevel;
  /** The server's log goes there; undefined: to standard output. */
  readonly logFile: string | undefined;
  /** An operation that takes longer, in milliseconds, is named in the log; 0: none is. */
  readonly slowMs: number;
  readonly webhooks: readonly WebhookConfig[];
  readonly metrics: MetricsConfig;
  readonly allowUnauthenticated: boolean;
  readonly rateLimiting: {
    readonly enabled: boolean;
    /** Of one token. */
    readonly requestsPerSecond: number;
    /** Of one address: requests that fail to say who sends them. */
    readonly failuresPerMinute: number;
  };
  readonly tls: TlsFiles | undefined;
}

export interface ConfigSource {
  /** As errors name it, and what a relative database path starts from. */
  readonly path: string;
  readonly text: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Larger files are refused; whoever reads one may ask for its size first. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** What holds without a file. Nothing is loaded for it: most commands start like this. */
export function defaultConfig(): Config {
  return {
    path: undefined,
    server: {
      ...{ host: '127.0.0.1', port: 8080, allowedHosts: [], corsOrigins: [], trustedProxies: [] },
      limits: { connections: 2_000, inFlight: 1_000 },
    },
    databasePath: undefined,
    settings: defaultSettings,
    logLevel: 'info',
    logFile: undefined,
    slowMs: 500,
    webhooks: [],
    metrics: { enabled: true, path: '/metrics', maxTenantLabels: USUAL_TENANT_LABELS },
    allowUnauthenticated: false,
    rateLimiting: { enabled: true, requestsPerSecond: 1_000, failuresPerMinute: 30 },
    tls: undefined,
  };
}
