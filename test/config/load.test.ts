import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { defaultConfig, logLevels } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

function load(text: string): Config {
  return loadConfig({ path: 'config.yaml', text, env: {} });
}

describe('what a file says', () => {
  it.each([
    '',
    '\n',
    '# nothing\n',
    '---\n',
    '--- # nothing\n',
    '{}',
    'server: {}\nsecurity: {}\n',
  ])('is the default where it says nothing: %j', (text) => {
    expect(load(text)).toEqual({ ...defaultConfig(), path: 'config.yaml' });
  });

  it('is in the config, every key of it', () => {
    const text = `
server:
  host: 0.0.0.0
  port: 9090
  allowed_hosts: [hodei.example]
  cors:
    origins:
      - https://ops.example
      - http://localhost:3000
database:
  path: /var/lib/hodei/hodei.db
resources:
  - name: license
    unit: seats
    default_limit: unlimited
  - {name: gpu, default_limit: 2}
  - name: disk
multi_tenancy:
  default_tenant_quota:
    cpu_m: unlimited
    license: 3
observability:
  logging:
    level: warn
security:
  allow_unauthenticated: true
`;
    expect(load(text)).toEqual({
      path: 'config.yaml',
      server: {
        host: '0.0.0.0',
        port: 9090,
        allowedHosts: ['hodei.example'],
        corsOrigins: ['https://ops.example', 'http://localhost:3000'],
      },
      databasePath: '/var/lib/hodei/hodei.db',
      settings: {
        resources: [
          { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 },
          { name: 'memory_mb', unit: 'MiB', defaultLimit: 0 },
          { name: 'gpu', unit: 'count', defaultLimit: 2 },
          { name: 'jobs', unit: 'count', defaultLimit: 0 },
          { name: 'license', unit: 'seats', defaultLimit: null },
          { name: 'disk', unit: 'count', defaultLimit: 0 },
        ],
        defaultTenantQuota: { cpu_m: null, memory_mb: 8192, gpu: 0, jobs: 10, license: 3 },
      },
      logLevel: 'warn',
      allowUnauthenticated: true,
    });
  });

  it('holds for paths from the folder of the file', () => {
    const text = 'database: {path: data/hodei.db}';
    const at = (path: string) => loadConfig({ path, text, env: {} }).databasePath;
    expect(at('/etc/hodei/config.yaml')).toBe('/etc/hodei/data/hodei.db');
    expect(at('config.yaml')).toBe('data/hodei.db');
  });

  it('may be JSON, begin with a byte order mark, and end its lines as Windows does', () => {
    expect(load('{"server": {"port": 1}}').server.port).toBe(1);
    expect(load('\uFEFFserver:\r\n  port: 1\r\n').server.port).toBe(1);
  });

  it('takes limits up to 2^53-1', () => {
    const { settings } = load('resources: [{name: gpu, default_limit: 9007199254740991}]');
    expect(settings.resources[2]?.defaultLimit).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each(logLevels)('takes the log level %s', (level) => {
    expect(load(`observability: {logging: {level: ${level}}}`).logLevel).toBe(level);
  });
});
