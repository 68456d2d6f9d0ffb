import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsDocument, type Settings } from '../domain/settings.ts';
import type { Config } from './config.ts';
import { describeMetrics } from './metrics.ts';
import { HIDDEN } from './webhooks.ts';

/** What is in force, defaults included, in the words of the config file. */
export function describeConfig(config: Config) {
  return {
    server: describeServer(config.server),
    database: { path: config.databasePath ?? null },
    ...describeSettings(config.settings),
    metrics: describeMetrics(config.metrics),
    observability: {
      logging: describeLogging(config),
      webhooks: config.webhooks.map(({ name, url, kinds }) => {
        return { name, url, secret: HIDDEN, kinds };
      }),
    },
    security: {
      ...settingsDocument(config.settings).security,
      allow_unauthenticated: config.allowUnauthenticated,
      rate_limiting: {
        enabled: config.rateLimiting.enabled,
        requests_per_second: config.rateLimiting.requestsPerSecond,
        failures_per_minute: config.rateLimiting.failuresPerMinute,
      },
      ...(config.tls !== undefined && { tls: config.tls }),
    },
  };
}

function describeLogging({ logLevel: level, logFile: file, slowMs }: Config) {
  return { level, ...(file !== undefined && { file }), slow_ms: slowMs };
}

function describeServer({ host, port, limits, ...server }: Config['server']) {
  return {
    ...{ host, port },
    allowed_hosts: server.allowedHosts,
    cors: { origins: server.corsOrigins },
    behind_proxy: { trusted_addresses: server.trustedProxies },
    limits: { connections: limits.connections, in_flight: limits.inFlight },
  };
}

/** Null has no word in a file: what may be null is left out there, or has a word of its own. */
function describeSettings(settings: Settings) {
  const { jobs, ...document } = settingsDocument(settings);
  const { default_ttl_seconds: ttl } = jobs;
  return {
    ...(JSON.parse(JSON.stringify(document, toWord)) as object),
    jobs: { ...jobs, default_ttl_seconds: ttl ?? 'none' },
  };
}

function toWord(key: string, value: unknown): unknown {
  if (value !== null) return value;
  if (key === 'retention_days') return 'none';
  return key === 'provider' ? undefined : 'unlimited';
}

/** A config file to begin with: every key, its default and what it does. */
export function exampleConfig(packageFolder: string): string {
  return readFileSync(join(packageFolder, 'config.example.yaml'), 'utf8');
}
