import { isIP } from 'node:net';
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { settingsFromDocument } from '../domain/settings.ts';
import { nearest } from '../service/nearest.ts';
import { lazy } from '../service/operation.ts';
import {
  expected,
  oneOf,
  section,
  trueOrFalse,
  whole,
  wordsOf,
} from '../service/schemas/section.ts';
import { securitySettings, settingsSections } from '../service/schemas/settings.ts';
import type { Path } from '../service/yaml.ts';
import { defaultConfig, logLevels, type Config } from './config.ts';
import { metricsOf, metricsSection } from './metrics.ts';
import { webhooksList, webhooksOf } from './webhooks.ts';

/** The whole config file. A key that is here does something; it has a default and a description. */
export const configSchema = lazy(() =>
  section({
    server: serverSection().prefault({}),
    database: databaseSection().prefault({}),
    ...settingsSections(),
    metrics: metricsSection().prefault({}),
    observability: observabilitySection().prefault({}),
    security: securitySection().prefault({}),
  }),
);

export type ConfigDocument = z.output<ReturnType<typeof configSchema>>;

/** What the document says, as the program uses it. */
export function configOf(path: string, document: ConfigDocument): Config {
  const { server, database, observability, security } = document;
  return {
    path,
    server: {
      host: server.host,
      port: server.port,
      allowedHosts: server.allowed_hosts,
      corsOrigins: server.cors.origins,
      trustedProxies: server.behind_proxy.trusted_addresses,
      limits: { connections: server.limits.connections, inFlight: server.limits.in_flight },
    },
    databasePath: besideFile(path, database.path),
    settings: settingsFromDocument(document),
    logLevel: observability.logging.level,
    logFile: besideFile(path, observability.logging.file),
    slowMs: observability.logging.slow_ms,
    webhooks: webhooksOf(path, observability.webhooks),
    metrics: metricsOf(document.metrics),
    allowUnauthenticated: security.allow_unauthenticated,
    rateLimiting: {
      enabled: security.rate_limiting.enabled,
      requestsPerSecond: security.rate_limiting.requests_per_second,
      failuresPerMinute: security.rate_limiting.failures_per_minute,
    },
    tls: security.tls && {
      certificate: besideFile(path, security.tls.certificate),
      key: besideFile(path, security.tls.key),
    },
  };
}

/** A file means the same wherever the program is started, so that paths in it begin at the file. */
function besideFile<T extends string | undefined>(path: string, other: T): string | T {
  return other === undefined || isAbsolute(other) ? other : join(dirname(path), other);
}

function serverSection() {
  const { host, port } = defaultConfig().server;
  return section({
    host: text('an address or a host name', /^[^\s\p{C}]{1,255}$/u)
      .default(host)
      .describe('Address to listen on; 127.0.0.1 is reachable from this machine only'),
    port: whole(0, 65_535).default(port).describe('Port to listen on; 0 takes any that is free'),
    allowed_hosts: list(text('a host name such as hodei.example', /^[^\s\p{C}/]{1,255}$/u))
      .default([])
      .describe('Further names under which clients reach the server (the Host header)'),
    cors: section({
      origins: list(text('an origin such as https://ops.example', /^https?:\/\/[^\s\p{C}/*]+$/u))
        .default([])
        .describe('Origins of web pages that may ask the server'),
    })
      .prefault({})
      .describe('Requests from web pages of other origins'),
    behind_proxy: section({
      trusted_addresses: list(proxyAddress())
        .default([])
        .describe('Addresses and networks of the proxies; what they forward is believed'),
    })
      .prefault({})
      .describe('Proxies through which clients reach the server, and which have TLS for it'),
    limits: limitsSection().prefault({}),
  }).describe('Where hodei serve listens');
}

/** More than anybody needs, and less than what makes a number of sockets a mistake. */
const MOST_AT_ONCE = 1_000_000;

function limitsSection() {
  const { connections, inFlight } = defaultConfig().server.limits;
  return section({
    connections: whole(1, MOST_AT_ONCE)
      .default(connections)
      .describe('How many connections are served at the same time; more are told to come again'),
    in_flight: whole(1, MOST_AT_ONCE)
      .default(inFlight)
      .describe('How many calls are carried out at the same time; more are told to come again'),
  }).describe('How much the server takes upon itself');
}

function proxyAddress() {
  const error = expected('an address or a network such as 10.0.0.7 or 10.0.0.0/24');
  return z.string({ error }).refine(isAddressOrNetwork, { error });
}

function isAddressOrNetwork(written: string): boolean {
  const [address = '', bits, ...more] = written.split('/');
  const family = isIP(address);
  // A scope such as %eth0 is known to one machine only, and no list of addresses takes it.
  if (family === 0 || address.includes('%') || more.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
  );
}

function databaseSection() {
  return section({
    path: fileName().optional().describe('The database file, seen from the folder of this file'),
  }).describe('Where everything is remembered');
}

/** Nothing expands ~, and a folder of that name is never meant. */
function fileName() {
  return text('a file name (for ~ write ${HOME})', /^[^~\p{Cc}][^\p{Cc}]{0,4095}$/u);
}

/** An hour: nothing is expected to take longer. */
const LONGEST_MS = 3_600_000;

function observabilitySection() {
  return section({
    logging: section({
      level: oneOf(logLevels)
        .default(defaultConfig().logLevel)
        .describe(`How much the server writes to its log: ${wordsOf(logLevels)}`),
      file: fileName()
        .optional()
        .describe('The file for it, seen from the folder of this file; else standard output'),
      slow_ms: whole(0, LONGEST_MS)
        .default(defaultConfig().slowMs)
        .describe('Operations that take more milliseconds are named in the log; 0: none is'),
    })
      .prefault({})
      .describe("The server's log"),
    webhooks: webhooksList(),
  }).describe('What hodei tells about itself');
}

function securitySection() {
  return section({
    ...securitySettings(),
    allow_unauthenticated: trueOrFalse()
      .default(defaultConfig().allowUnauthenticated)
      .describe('Whether to listen beyond this machine, where nobody is asked who they are'),
    rate_limiting: rateLimitingSection().prefault({}),
    tls: section({
      certificate: fileName().describe(
        'The certificate and those that lead to its root, in PEM form',
      ),
      key: fileName().describe('The private key of the certificate, which only its owner may read'),
    })
      .optional()
      .describe('TLS by these files, seen from the folder of this file'),
  }).describe('Who may do what');
}

function rateLimitingSection() {
  const { enabled, requestsPerSecond, failuresPerMinute } = defaultConfig().rateLimiting;
  return section({
    enabled: trueOrFalse().default(enabled).describe('Whether requests are counted at all'),
    requests_per_second: whole(1, 1_000_000)
      .default(requestsPerSecond)
      .describe('So many requests of one token'),
    failures_per_minute: whole(1, 1_000_000)
      .default(failuresPerMinute)
      .describe('So many requests of one address that fail to say who sends them'),
  }).describe('How many requests are too many');
}

function text(what: string, pattern: RegExp) {
  const error = expected(what);
  return z.string({ error }).regex(pattern, { error });
}

function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: expected('a list') });
}

/** Every key of the file as a path: `server.port`, `resources[].name`. */
export const knownKeys = lazy(() => keysIn(z.toJSONSchema(configSchema(), { io: 'input' }), ''));

function keysIn(schema: z.core.JSONSchema.JSONSchema, path: string): string[] {
  if (typeof schema.items === 'object' && !Array.isArray(schema.items)) {
    return keysIn(schema.items, `${path}[]`);
  }
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const keyPath = path === '' ? key : `${path}.${key}`;
    return [keyPath, ...(typeof value === 'object' ? keysIn(value, keyPath) : [])];
  });
}

/** What to say of a key that nobody knows: the one that was meant, or those that exist there. */
export function describeUnknownKey(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? '[]' : `.${String(part)}`));
  const parent = parts.slice(0, -1).join('').replace(/^\./, '');
  const siblings = knownKeys().filter((known) => split(known).parent === parent);
  const names = siblings.map((known) => split(known).name);
  const typed = String(path.at(-1));
  const elsewhere = knownKeys().find((known) => split(known).name === typed);
  const meant = nearest(typed, names) ?? elsewhere;
  if (meant !== undefined) return `unknown key; did you mean ${meant}?`;
  return `unknown key; known here: ${names.join(', ')}`;
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const end = path.lastIndexOf('.');
  return { parent: path.slice(0, Math.max(end, 0)), name: path.slice(end + 1) };
}

/** As errors write it: `resources[0].name`. */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${shorten(String(part)) || '""'}`))
    .join('')
    .replace(/^\./, '');
}

export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
