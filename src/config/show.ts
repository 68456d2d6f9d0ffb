import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsDocument } from '../domain/settings.ts';
import type { Config } from './config.ts';

/** What is in force, defaults included, in the words of the config file. */
export function describeConfig(config: Config) {
  const { host, port, allowedHosts, corsOrigins } = config.server;
  return {
    server: { host, port, allowed_hosts: allowedHosts, cors: { origins: corsOrigins } },
    database: { path: config.databasePath ?? null },
    ...settingsDocument(config.settings),
    observability: { logging: { level: config.logLevel } },
    security: { allow_unauthenticated: config.allowUnauthenticated },
  };
}

/** A config file to begin with: every key, its default and what it does. */
export function exampleConfig(packageFolder: string): string {
  return readFileSync(join(packageFolder, 'config.example.yaml'), 'utf8');
}
