import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { HodeiError } from '../../src/domain/errors.ts';

const NAME = 'a-z, 0-9 and _, from a letter, at most 31, or a name and its kind such as gpu.h100';
const LIMIT = 'expected a whole number from 0 to 9007199254740991, or unlimited';

/** The lines of the refusal. */
function refusal(text: string): string[] {
  try {
    loadConfig({ path: 'config.yaml', text, env: {} });
  } catch (error) {
    if (!(error instanceof HodeiError) || error.code !== 'invalid') throw error;
    return error.message.split('\n');
  }
  throw new Error(`loaded, though it should not: ${text.slice(0, 100)}`);
}

describe('a path of the metrics that is taken, or none', () => {
  it.each([
    ...['/api', '/api/v1/metrics', '/healthz', '/readyz', '/readyz/x', '/', 'metrics', '//a'],
    ...['/metrics/', '/a/../api', '/:tenant', '/*', '/a?b', '/a%2fb', '/a b'],
  ])('%s is refused', (path) => {
    expect(refusal(`metrics: {prometheus: {path: "${path}"}}`)).toEqual([
      'config.yaml:1:30: metrics.prometheus.path: expected a path such as /metrics, ' +
        `not below /api and none of the probes, found "${path}"`,
    ]);
  });
});

describe('a wrong value is refused where it stands', () => {
  const port = 'expected a whole number from 0 to 65535';
  it.each([
    ['server:\n  port: abc', `2:9: server.port: ${port}, found "abc"`],
    ['server:\n  port: "8080"', `2:9: server.port: ${port}, found "8080"`],
    ['server:\n  port: 65536', `2:9: server.port: ${port}, found 65536`],
    ['server:\n  port: -1', `2:9: server.port: ${port}, found -1`],
    ['server:\n  port: 80.5', `2:9: server.port: ${port}, found 80.5`],
    ['server:\n  port: 1e3', `2:9: server.port: ${port}, found 1e3`],
    ['server:\n  port:   # none', `2:3: server.port: ${port}, found no value`],
    ['server: {port}', `1:10: server.port: ${port}, found no value`],
    ['server:\n  port: [1]', `2:9: server.port: ${port}, found a list`],
    ['server:\n  port:\n    a: 1', `3:5: server.port: ${port}, found keys with values`],
    ['server: 1', '1:9: server: expected keys with values, found 1'],
    ['server:\n', '1:1: server: expected keys with values, found no value'],
    ['server: []', '1:9: server: expected keys with values, found a list'],
    ['- a', '1:1: expected keys with values, found a list'],
    ['  text', '1:3: expected keys with values, found "text"'],
    ['server: {host: ""}', '1:16: server.host: expected an address or a host name, found ""'],
    ['server: {host: 8}', '1:16: server.host: expected an address or a host name, found 8'],
    ['server: {host: a b}', '1:16: server.host: expected an address or a host name, found "a b"'],
    ['server: {allowed_hosts: x}', '1:25: server.allowed_hosts: expected a list, found "x"'],
    [
      'server:\n  allowed_hosts:\n    - a.b\n    - http://a.b',
      '4:7: server.allowed_hosts[1]: expected a host name such as hodei.example,' +
        ' found "http://a.b"',
    ],
    [
      'server: {cors: {origins: ["*"]}}',
      '1:27: server.cors.origins[0]: expected an origin such as https://ops.example, found "*"',
    ],
    [
      'server: {cors: {origins: [https://a.b/]}}',
      '1:27: server.cors.origins[0]: expected an origin such as https://ops.example,' +
        ' found "https://a.b/"',
    ],
    ...[
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      'proxy.example',
      '10.0.0',
      '',
    ].map((written): [string, string] => [
      `server: {behind_proxy: {trusted_addresses: ['${written}']}}`,
      '1:45: server.behind_proxy.trusted_addresses[0]:' +
        ` expected an address or a network such as 10.0.0.7 or 10.0.0.0/24, found "${written}"`,
    ]),
    [
      'server: {behind_proxy: true}',
      '1:24: server.behind_proxy: expected keys with values, found true',
    ],
    [
      'server: {limits: {in_flight: 0}}',
      '1:30: server.limits.in_flight: expected a whole number from 1 to 1000000, found 0',
    ],
    [
      'server: {limits: {connections: many}}',
      '1:32: server.limits.connections: expected a whole number from 1 to 1000000, found "many"',
    ],
    [
      'security: {tls: {certificate: server.crt}}',
      '1:17: security.tls.key: expected a file name (for ~ write ${HOME}), found nothing',
    ],
    [
      'security: {tls: {key: server.key}}',
      '1:17: security.tls.certificate: expected a file name (for ~ write ${HOME}), found nothing',
    ],
    ['security: {tls: true}', '1:17: security.tls: expected keys with values, found true'],
    [
      'database:\n  path: ~/hodei.db',
      '2:9: database.path: expected a file name (for ~ write ${HOME}), found "~/hodei.db"',
    ],
    [
      'database:\n  path: ~',
      '2:3: database.path: expected a file name (for ~ write ${HOME}), found no value',
    ],
    [
      'observability: {logging: {level: loud}}',
      '1:34: observability.logging.level: expected trace, debug, info, warn, error or silent,' +
        ' found "loud"',
    ],
    [
      'observability: {logging: {file: ~/hodei.log}}',
      '1:33: observability.logging.file: expected a file name (for ~ write ${HOME}),' +
        ' found "~/hodei.log"',
    ],
    [
      'observability: {logging: {slow_ms: -1}}',
      '1:36: observability.logging.slow_ms: expected a whole number from 0 to 3600000, found -1',
    ],
    [
      'security:\n  allow_unauthenticated: yes',
      '2:26: security.allow_unauthenticated: expected true or false, found "yes"',
    ],
    ['resources: 1', '1:12: resources: expected a list of resources, found 1'],
    ['resources: [x]', '1:13: resources[0]: expected keys with values, found "x"'],
    [
      'resources:\n  - unit: seats',
      '2:5: resources[0].name: expected a name such as license, found nothing',
    ],
    [
      'resources: [{name: gpu.H100}]',
      `1:20: resources[0].name: expected ${NAME}, found "gpu.H100"`,
    ],
    [
      'resources: [{name: gpu.h100.sxm}]',
      `1:20: resources[0].name: expected ${NAME}, found "gpu.h100.sxm"`,
    ],
    [
      'resources: [{name: a, unit: b c}]',
      '1:29: resources[0].unit: expected one word such as seats, at most 31 letters,' +
        ' found "b c"',
    ],
  ])('%j', (text, expected) => {
    expect(refusal(text)).toEqual([`config.yaml:${expected}`]);
  });

  it.each([
    ...['-1', '1.5', '4000.0', '9007199254740992', '9007199254740991.4', '1e3', '.inf', '.nan'],
    ...['"5"', '4Gi', 'none', 'Unlimited', 'true', '[]', '{}'],
  ])('%s is no limit', (wrong) => {
    const [first, second, ...others] = refusal(
      `resources:\n - name: a\n   default_limit: ${wrong}\n` +
        `multi_tenancy:\n  default_tenant_quota:\n    gpu: ${wrong}`,
    );
    const [a, b] = ['resources[0].default_limit', 'multi_tenancy.default_tenant_quota.gpu'];
    expect(first?.startsWith(`config.yaml:3:19: ${a}: ${LIMIT}, found `)).toBe(true);
    expect(second?.startsWith(`config.yaml:6:10: ${b}: ${LIMIT}, found `)).toBe(true);
    expect(others).toEqual([]);
  });

  it.each(['', ' null', ' ~', ' # nothing'])('a limit without a value is refused: %j', (empty) => {
    expect(refusal(`multi_tenancy:\n  default_tenant_quota:\n    gpu:${empty}`)).toEqual([
      `config.yaml:3:5: multi_tenancy.default_tenant_quota.gpu: ${LIMIT}, found no value`,
    ]);
  });
});

describe('a wrong value of a pool is refused where it stands', () => {
  const size = 'expected a whole number from 0 to 1000000';
  it.each([
    ['{pools: x}', '1:25: resource_pools.pools: expected a list of pools, found "x"'],
    ['{pools: [a]}', '1:26: resource_pools.pools[0]: expected keys with values, found "a"'],
    ['{enabled: yes}', '1:27: resource_pools.enabled: expected true or false, found "yes"'],
    [
      '{default_pool_type: Static}',
      '1:37: resource_pools.default_pool_type: expected static or dynamic, found "Static"',
    ],
    [
      '{pools: [{name: a}]}',
      '1:26: resource_pools.pools[0].id: expected a name such as gpu, found nothing',
    ],
    [
      '{pools: [{id: 3}]}',
      '1:31: resource_pools.pools[0].id: expected a name such as gpu, found 3',
    ],
    [
      '{pools: [{id: a, name: 3}]}',
      '1:40: resource_pools.pools[0].name: expected a title such as GPU farm, found 3',
    ],
    [
      '{pools: [{id: a, type: elastic}]}',
      '1:40: resource_pools.pools[0].type: expected static or dynamic, found "elastic"',
    ],
    [
      '{pools: [{id: a, min_size: -1}]}',
      `1:44: resource_pools.pools[0].min_size: ${size}, found -1`,
    ],
    [
      '{pools: [{id: a, max_size: 1.5}]}',
      `1:44: resource_pools.pools[0].max_size: ${size}, found 1.5`,
    ],
    [
      '{pools: [{id: a, max_size: 1000001}]}',
      `1:44: resource_pools.pools[0].max_size: ${size}, found 1000001`,
    ],
    [
      '{pools: [{id: a, provider: ~}]}',
      '1:34: resource_pools.pools[0].provider: expected a label such as on-premises,' +
        ' found no value',
    ],
    [
      '{pools: [{id: a, resources: 8}]}',
      '1:45: resource_pools.pools[0].resources: expected amounts by resource, found 8',
    ],
    [
      '{pools: [{id: a, resources: {gpu: unlimited}}]}',
      '1:51: resource_pools.pools[0].resources.gpu:' +
        ' expected a whole number from 0 to 9007199254740991, found "unlimited"',
    ],
    [
      '{pools: [{id: a, resources: {memory_mb: 4Gi}}]}',
      '1:57: resource_pools.pools[0].resources.memory_mb:' +
        ' expected a whole number from 0 to 9007199254740991, found "4Gi"',
    ],
    [
      '{pools: [{id: a, quotas: {max_concurrent_jobs: none}}]}',
      `1:64: resource_pools.pools[0].quotas.max_concurrent_jobs: ${LIMIT}, found "none"`,
    ],
    [
      '{pools: [{id: a, quotas: {max_job_per_tenant: 3}}]}',
      '1:43: resource_pools.pools[0].quotas.max_job_per_tenant: unknown key;' +
        ' did you mean max_jobs_per_tenant?',
    ],
    [
      '{pools: [{id: a, minsize: 3}]}',
      '1:34: resource_pools.pools[0].minsize: unknown key; did you mean min_size?',
    ],
  ])('%s', (section, expected) => {
    expect(refusal(`resource_pools: ${section}`)).toEqual([`config.yaml:${expected}`]);
  });
});

describe('a wrong value of what holds for jobs is refused where it stands', () => {
  const seconds = (most: number) => `expected a whole number of seconds from 1 to ${most}`;
  it.each([
    ['default_ttl_seconds: 0', `3:24: jobs.default_ttl_seconds: ${seconds(31_536_000)}, or none`],
    ['default_ttl_seconds: 1h', `3:24: jobs.default_ttl_seconds: ${seconds(31_536_000)}, or none`],
    [
      'default_ttl_seconds: unlimited',
      `3:24: jobs.default_ttl_seconds: ${seconds(31_536_000)}, or none`,
    ],
    ['claim_seconds: 86401', `3:18: jobs.claim_seconds: ${seconds(86_400)}`],
    ['claim_seconds: none', `3:18: jobs.claim_seconds: ${seconds(86_400)}`],
    ['queue_ttl_seconds: 31536001', `3:22: jobs.queue_ttl_seconds: ${seconds(31_536_000)}`],
  ])('%s', (line, expected) => {
    const [, wrong = ''] = line.split(': ');
    const found = /^\d+$/.test(wrong) ? wrong : `"${wrong}"`;
    expect(refusal(`jobs:\n  # a time\n  ${line}`)).toEqual([
      `config.yaml:${expected}, found ${found}`,
    ]);
  });

  it('as a lease without a value, and a policy that there is not yet', () => {
    expect(refusal('jobs:\n  default_ttl_seconds:')).toEqual([
      `config.yaml:2:3: jobs.default_ttl_seconds: ${seconds(31_536_000)}, or none, found no value`,
    ]);
    expect(refusal('multi_tenancy:\n  quota_enforcement:\n    violation_policy: lend')).toEqual([
      'config.yaml:3:23: multi_tenancy.quota_enforcement.violation_policy:' +
        ' expected reject, queue or burst, found "lend"',
    ]);
  });
});

describe('what cannot hold together is refused where it stands', () => {
  it.each([
    [
      'resources:\n  - name: gpu\n    unit: cards',
      '3:11: resources[0].unit: gpu is built in and always counted in count, not in cards',
    ],
    [
      'resources:\n  - name: a\n  - name: a',
      '3:11: resources[1].name: "a" is in the list already, as resources[0]',
    ],
    [
      'resources:\n  - name: warnings',
      '2:11: resources[0].name: warnings has a meaning already, take another name',
    ],
    [
      'multi_tenancy:\n  default_tenant_quota:\n    jobs: 3',
      '3:5: multi_tenancy.default_tenant_quota.jobs: jobs are limited by max_concurrent_jobs',
    ],
    [
      'multi_tenancy:\n  default_tenant_quota:\n    licence: 3\nresources: [{name: license}]',
      '3:5: multi_tenancy.default_tenant_quota.licence: no resource has the name "licence";' +
        ' did you mean license?',
    ],
    [
      'multi_tenancy: {default_tenant_quota: {constructor: 3}}',
      '1:40: multi_tenancy.default_tenant_quota.constructor:' +
        ' no resource has the name "constructor";' +
        ' known here: cpu_m, memory_mb, gpu, max_concurrent_jobs',
    ],
    [
      'resources:\n  - name: fpga.small',
      '2:11: resources[0].name: no resource has the name "fpga",' +
        ' of which fpga.small would be a kind',
    ],
    [
      'resources:\n  - name: gpu.h100\n    unit: cards',
      '3:11: resources[0].unit: "gpu.h100" is a kind of gpu and counted in count too, not in cards',
    ],
    [
      'multi_tenancy:\n  default_tenant_quota:\n    gpu.h100: 3\nresources: [{name: gpu.a100}]',
      '3:5: multi_tenancy.default_tenant_quota.gpu.h100: no resource has the name "gpu.h100";' +
        ' did you mean gpu.a100?',
    ],
    [
      'resource_pools:\n  pools:\n    - id: GPU farm',
      "3:11: resource_pools.pools[0].id: a pool's id has 1 to 63 of a-z, 0-9 and -, begins with" +
        ' a letter and does not end with -: "GPU farm"; did you mean gpu-farm?',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n    - id: gpu',
      '4:11: resource_pools.pools[1].id: "gpu" is in the list already,' +
        ' as resource_pools.pools[0]',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      name: ""\n      provider: aws',
      '4:13: resource_pools.pools[0].name: a name has 1 to 100 printable characters',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      provider: "a\\tb"',
      '4:17: resource_pools.pools[0].provider: a provider has 1 to 100 printable characters',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      max_size: 4\n      min_size: 5',
      '5:17: resource_pools.pools[0].min_size: 5 is above max_size, which is 4',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      max_size: 0',
      '3:7: resource_pools.pools[0].min_size: 1 is above max_size, which is 0',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      resources:\n        gpus: 4',
      '5:9: resource_pools.pools[0].resources.gpus: no resource has the name "gpus";' +
        ' did you mean gpu?',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      resources: {license: 4}',
      '4:19: resource_pools.pools[0].resources.license: no resource has the name "license";' +
        ' known here: cpu_m, memory_mb, gpu',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      resources: {gpu: 1, jobs: 4}',
      '4:27: resource_pools.pools[0].resources.jobs:' +
        ' jobs are limited by quotas.max_concurrent_jobs',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      resources: {max_concurrent_jobs: 4}',
      '4:19: resource_pools.pools[0].resources.max_concurrent_jobs:' +
        ' jobs are limited by quotas.max_concurrent_jobs',
    ],
    [
      'resource_pools:\n  pools:\n    - id: gpu\n      max_size: 2\n      resources:\n' +
        '        gpu: 4503599627370496',
      '6:14: resource_pools.pools[0].resources.gpu: 4503599627370496 in each of 2 workers' +
        ' is above 9007199254740991',
    ],
  ])('%j', (text, expected) => {
    expect(refusal(text)).toEqual([`config.yaml:${expected}`]);
  });

  it('such as more than 64 resources', () => {
    const list = Array.from({ length: 61 }, (_, index) => `  - name: r${index}\n`).join('');
    expect(refusal(`resources:\n${list}`)).toEqual([
      'config.yaml:2:3: resources: at most 64 resources can be counted, not 65',
    ]);
  });
});

describe('all problems are said at once', () => {
  it('in the order of the file, of every kind', () => {
    const text = `servr: {}
server:
  prot: 1
  port: abc
port: 1
resources:
  - name: gpu
    unit: cards
    default_limit: many
    limit: 3
multi_tenancy:
  default_tenant_quota:
    cpu: 1
    gpu: -1
server: {}
database:
  path: \${HODEI_DATA}
`;
    expect(refusal(text)).toEqual([
      'config.yaml:1:1: servr: unknown key; did you mean server?',
      'config.yaml:3:3: server.prot: unknown key; did you mean port?',
      'config.yaml:4:9: server.port: expected a whole number from 0 to 65535, found "abc"',
      'config.yaml:5:1: port: unknown key; did you mean server.port?',
      'config.yaml:8:11: resources[0].unit: gpu is built in and always counted in count,' +
        ' not in cards',
      `config.yaml:9:20: resources[0].default_limit: ${LIMIT}, found "many"`,
      'config.yaml:10:5: resources[0].limit: unknown key; known here: name, unit, default_limit',
      'config.yaml:13:5: multi_tenancy.default_tenant_quota.cpu: no resource has the name "cpu";' +
        ' did you mean cpu_m?',
      `config.yaml:14:10: multi_tenancy.default_tenant_quota.gpu: ${LIMIT}, found -1`,
      'config.yaml:15:1: server: this key stands in line 2 already',
      'config.yaml:17:9: database.path: HODEI_DATA is not set in the environment',
    ]);
  });

  it('without guessing at what follows from a broken catalogue', () => {
    const quota = 'multi_tenancy: {default_tenant_quota: {license: 1}}';
    expect(refusal(`resources: 1\n${quota}`)).toEqual([
      'config.yaml:1:12: resources: expected a list of resources, found 1',
    ]);
    expect(refusal(`resources: [{unit: a}, {name: license}]\n${quota}`)).toEqual([
      'config.yaml:1:13: resources[0].name: expected a name such as license, found nothing',
    ]);
  });

  it('without comparing with what is wrong itself', () => {
    const pool = (text: string) => refusal(`resource_pools: {pools: [{id: a, ${text}}]}`);
    expect(pool('min_size: 5, max_size: many')).toHaveLength(1);
    expect(pool('min_size: some, max_size: 0')).toHaveLength(1);
    expect(pool('min_size: 5, type: elastic')).toHaveLength(2);
    expect(
      refusal('resources: [{name: license, unit: 5}, {name: license.a, unit: seats}]'),
    ).toHaveLength(1);
  });

  it('but not more than fifty of them', () => {
    const lines = refusal(Array.from({ length: 80 }, (_, index) => `k${index}: 1\n`).join(''));
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe('config.yaml: and 30 more');
  });

  it('without control characters, and shortened where they quote the file', () => {
    const text = `"\u001B[31m": 1\nserver:\n  host: "${'a '.repeat(5000)}\\u202E"`;
    const [key, host] = refusal(text);
    expect(key).toContain('config.yaml:1:1: \\u{1b}[31m: unknown key');
    expect(host?.length).toBeLessThan(200);
  });
});
