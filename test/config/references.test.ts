import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { HodeiError } from '../../src/domain/errors.ts';

function load(text: string, env: Record<string, string> = {}): Config {
  return loadConfig({ path: 'config.yaml', text, env });
}

/** The lines of the refusal. */
function refusal(text: string, env: Record<string, string> = {}): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (!(error instanceof HodeiError) || error.code !== 'invalid') throw error;
    return error.message.split('\n');
  }
  throw new Error(`loaded, though it should not: ${text.slice(0, 100)}`);
}

describe('references to the environment', () => {
  it('are resolved inside a text and as the whole of it', () => {
    const text = 'server: {host: "${HOST}"}\ndatabase:\n  path: ${DIR}/hodei-${STAGE}.db';
    const config = load(text, { HOST: '::1', DIR: '/data', STAGE: 'test' });
    expect(config.server.host).toBe('::1');
    expect(config.databasePath).toBe('/data/hodei-test.db');
  });

  it('become numbers and truth values only where these are needed', () => {
    const text = `
server:
  port: \${NUMBER}
database:
  path: \${NUMBER}
resources:
  - name: license
    default_limit: "\${NUMBER}"
resource_pools:
  enabled: \${NO}
  pools:
    - id: a
      min_size: \${ZERO}
      name: \${NUMBER}
      resources: {gpu: "\${NUMBER}"}
      quotas: {max_concurrent_jobs: "\${WORD}"}
multi_tenancy:
  default_tenant_quota:
    gpu: \${WORD}
jobs: {default_ttl_seconds: "\${NONE}", claim_seconds: "\${NUMBER}"}
observability: {logging: {level: "\${LEVEL}"}}
security:
  allow_unauthenticated: \${YES}
`;
    const words = { WORD: 'unlimited', NONE: 'none', LEVEL: 'debug', YES: 'true', NO: 'false' };
    const env = { NUMBER: '8081', ZERO: '0', ...words };
    const config = load(text, env);
    expect(config.server.port).toBe(8081);
    expect(config.databasePath).toBe('8081');
    expect(config.settings.resources.at(-1)?.defaultLimit).toBe(8081);
    expect(config.settings.defaultTenantQuota['gpu']).toBeNull();
    expect(config.settings.resourcePools).toMatchObject({
      enabled: false,
      pools: [{ minSize: 0, title: '8081', resources: { gpu: 8081 }, maxConcurrentJobs: null }],
    });
    expect(config.settings.jobs).toMatchObject({ defaultTtlSeconds: null, claimSeconds: 8081 });
    expect(config.logLevel).toBe('debug');
    expect(config.allowUnauthenticated).toBe(true);
  });

  it('are not resolved again in what they contain', () => {
    const config = load('database: {path: "${A}"}', { A: '/${B}', B: 'x' });
    expect(config.databasePath).toBe('/${B}');
  });

  it('are not resolved in keys and comments', () => {
    expect(refusal('# ${NONE}\n"${A}": 1', { A: 'server' })).toEqual([
      expect.stringContaining('config.yaml:2:1: ${A}: unknown key'),
    ]);
  });

  it.each(['NONE', 'constructor', '__proto__', 'toString'])(
    'are refused when %s is unset',
    (name) => {
      expect(refusal(`database:\n  path: a/\${${name}}`)).toEqual([
        `config.yaml:2:9: database.path: ${name} is not set in the environment`,
      ]);
    },
  );

  it.each(['${}', '${1A}', '${A-B}', '${A:-x}', '${A b}', '${A', '${${A}}'])(
    'are refused when they are none: %s',
    (reference) => {
      const [line, ...others] = refusal(`database:\n  path: '${reference}'`, { A: 'x' });
      expect(line).toContain('config.yaml:2:9: database.path: expected ${NAME}, found ${');
      expect(others).toEqual([]);
    },
  );

  it('never show what they stand for', () => {
    const env = { SECRET: 'canary' };
    const text =
      'server: {port: "${SECRET}", host: "a ${SECRET}"}\nresources: [{name: "-${SECRET}"}]';
    const lines = refusal(text, env);
    expect(lines).toHaveLength(3);
    expect(lines.join()).toContain('found "${SECRET}"');
    expect(lines.join()).not.toContain('canary');
  });

  it('leave a lone dollar sign alone', () => {
    expect(load('database: {path: /a$b/$c}').databasePath).toBe('/a$b/$c');
  });
});
