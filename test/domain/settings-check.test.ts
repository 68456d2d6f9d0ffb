import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';
import { settingsDocument, type PoolInput, type SettingsInput } from '../../src/domain/settings.ts';
import { checkSettings } from '../../src/domain/settings-check.ts';
import { anySettings } from '../helpers/settings.ts';

const NAME_RULE =
  'a-z, 0-9 and _, from a letter, at most 31, or a name and its kind such as gpu.h100';
const LIMIT_RULE = 'a limit is a whole number from 0 to 9007199254740991, or unlimited';

function documentWith(
  resources: SettingsInput['resources'],
  quota: Record<string, number | null> = {},
): SettingsInput {
  return { resources, multi_tenancy: { default_tenant_quota: quota } };
}

function complaints(document: SettingsInput): string[] {
  return checkSettings(document).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

it('settings that can be in force have no problem', () => {
  fc.assert(
    fc.property(anySettings, (settings) => {
      expect(checkSettings(settingsDocument(settings))).toEqual([]);
    }),
  );
});

describe('the catalogue', () => {
  it('accepts a built-in resource with another default limit, with or without its unit', () => {
    expect(complaints(documentWith([{ name: 'gpu', default_limit: 4 }]))).toEqual([]);
    expect(
      complaints(documentWith([{ name: 'memory_mb', unit: 'MiB', default_limit: null }])),
    ).toEqual([]);
  });

  it.each([
    ...['', 'License', '3d', '_a', 'a-b', 'a b', 'x'.repeat(32), 'é'],
    ...['gpu.', '.gpu', 'gpu..h100', 'gpu.H100', 'gpu.3d', 'gpu.h100.sxm', `gpu.${'x'.repeat(32)}`],
  ])('refuses %j as a name', (name) => {
    expect(complaints(documentWith([{ name, default_limit: 0 }]))).toEqual([
      `resources.0.name: "${name}" is no name of a resource: ${NAME_RULE}`,
    ]);
  });

  it.each([
    ...['tenant', 'tenant_id', 'tenant_name', 'current_usage', 'unset', 'bound_by', 'version'],
    ...['updated_at', 'warnings', 'changes', 'id', 'name', 'max_concurrent_jobs', 'active_jobs'],
    ...['pool', 'job_id', 'priority', 'ttl_seconds', 'queue_ttl_seconds', 'labels', 'on_full'],
    ...['pools', 'job', 'started_at', 'wait', 'state', 'resources', 'decision_id', 'retryable'],
    ...['violations', 'code', 'error', 'hint', 'trace_id', 'replayed', 'reason', 'effects'],
    ...['min_size', 'max_size', 'size', 'type', 'provider', 'quotas', 'status', 'capacity'],
    ...['used', 'promised', 'units', 'cpu', 'memory', 'constructor'],
  ])('refuses the name %s, which has a meaning already', (name) => {
    expect(complaints(documentWith([{ name, default_limit: 0 }]))).toEqual([
      `resources.0.name: ${name} has a meaning already, take another name`,
    ]);
  });

  it('refuses another unit for a built-in resource, and what is no unit', () => {
    expect(
      complaints(
        documentWith([
          { name: 'cpu_m', unit: 'cores', default_limit: 0 },
          { name: 'disk', unit: 'two words', default_limit: 0 },
        ]),
      ),
    ).toEqual([
      'resources.0.unit: cpu_m is built in and always counted in millicores, not in cores',
      'resources.1.unit: "two words" is no unit: one word such as seats, from a letter, at most 31',
    ]);
  });

  it('refuses a resource that is listed twice, built in or not', () => {
    const twice = ['gpu', 'license', 'gpu', 'license'];
    expect(complaints(documentWith(twice.map((name) => ({ name, default_limit: 0 }))))).toEqual([
      'resources.2.name: "gpu" is in the list already, as resources[0]',
      'resources.3.name: "license" is in the list already, as resources[1]',
    ]);
  });

  it('refuses more than 64 resources, of which four are built in', () => {
    const many = (count: number) =>
      documentWith(Array.from({ length: count }, (_, i) => ({ name: `r${i}`, default_limit: 0 })));
    expect(complaints(many(60))).toEqual([]);
    expect(complaints(many(61))).toEqual([
      'resources: at most 64 resources can be counted, not 65',
    ]);
  });

  it.each([-1, 1.5, NaN, Infinity, MAX_AMOUNT + 1])('refuses %d as a limit', (wrong) => {
    const document = documentWith([{ name: 'license', default_limit: wrong }], { gpu: wrong });
    expect(complaints(document)).toEqual([
      `resources.0.default_limit: ${LIMIT_RULE}`,
      `multi_tenancy.default_tenant_quota.gpu: ${LIMIT_RULE}`,
    ]);
  });

  it('shows no control characters and no endless names', () => {
    const [first, second] = complaints(
      documentWith([
        { name: '\u001b[31m', default_limit: 0 },
        { name: 'x'.repeat(10_000), default_limit: 0 },
      ]),
    );
    expect(first).toContain('\\u{1b}');
    expect(second?.length).toBeLessThan(250);
  });
});

describe('a kind of a resource', () => {
  const names = (...listed: string[]) =>
    complaints(documentWith(listed.map((name) => ({ name, default_limit: 0 }))));

  it('may be of one that is built in, or listed before or after it', () => {
    expect(names('gpu.h100', 'gpu.a100', 'license.a', 'license', 'license.b')).toEqual([]);
    expect(names('x'.repeat(31), `${'x'.repeat(31)}.${'y'.repeat(31)}`)).toEqual([]);
    // A name that has a meaning is free where it is not the whole of the field.
    expect(names('gpu.pool', 'gpu.constructor')).toEqual([]);
  });

  it('is refused where there is nothing that it would be a kind of', () => {
    expect(names('fpga.small')).toEqual([
      'resources.0.name: no resource has the name "fpga", of which fpga.small would be a kind',
    ]);
    expect(names('cpu.fast', 'gpu')).toEqual([
      'resources.0.name: no resource has the name "cpu", of which cpu.fast would be a kind',
    ]);
  });

  it('is refused twice', () => {
    expect(names('gpu.h100', 'gpu.h100')).toEqual([
      'resources.1.name: "gpu.h100" is in the list already, as resources[0]',
    ]);
  });

  it('has the unit of what it is a kind of', () => {
    const kind = (unit: string | undefined, listed: SettingsInput['resources']) =>
      complaints(documentWith([{ name: 'license.a', unit, default_limit: 0 }, ...listed]));
    const seats = [{ name: 'license', unit: 'seats', default_limit: 0 }];
    expect(kind('seats', seats)).toEqual([]);
    expect(kind(undefined, seats)).toEqual([]);
    expect(kind('count', [{ name: 'license', default_limit: 0 }])).toEqual([]);
    expect(kind('count', seats)).toEqual([
      'resources.0.unit: "license.a" is a kind of license and counted in seats too, not in count',
    ]);
    expect(kind('a b', seats)).toEqual([
      'resources.0.unit: "a b" is no unit: one word such as seats, from a letter, at most 31',
    ]);
  });

  it('of a built-in resource has the built-in unit', () => {
    const kind = { name: 'memory_mb.fast', default_limit: 0 };
    expect(complaints(documentWith([{ ...kind, unit: 'MiB' }]))).toEqual([]);
    expect(checkSettings(documentWith([{ ...kind, unit: 'GiB' }]))).toMatchObject([
      {
        path: ['resources', 0, 'unit'],
        message: '"memory_mb.fast" is a kind of memory_mb and counted in MiB too, not in GiB',
      },
    ]);
  });

  it('can be in the default quota', () => {
    const resources = [{ name: 'gpu.h100', default_limit: 0 }];
    expect(complaints(documentWith(resources, { 'gpu.h100': 1 }))).toEqual([]);
    expect(checkSettings(documentWith(resources, { 'gpu.h200': 1 }))).toEqual([
      {
        path: ['multi_tenancy', 'default_tenant_quota', 'gpu.h200'],
        message: 'no resource has the name "gpu.h200"',
        known: ['cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs', 'gpu.h100'],
      },
    ]);
  });
});

describe('the default quota', () => {
  it('is refused for what is not in the catalogue, and what is there is named', () => {
    const resources = [{ name: 'license', default_limit: 0 }];
    const quota = { license: 1, licence: 1, constructor: 1, jobs: 1 };
    expect(checkSettings(documentWith(resources, quota))).toEqual([
      {
        path: ['multi_tenancy', 'default_tenant_quota', 'licence'],
        message: 'no resource has the name "licence"',
        known: ['cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs', 'license'],
      },
      expect.objectContaining({ message: 'no resource has the name "constructor"' }),
      expect.objectContaining({ message: 'jobs are limited by max_concurrent_jobs', known: [] }),
    ]);
  });
});

describe('a pool', () => {
  const withPools = (...pools: PoolInput[]): SettingsInput => ({
    ...documentWith([{ name: 'license', default_limit: 0 }]),
    resource_pools: { pools },
  });
  const about = (pool: Partial<PoolInput>) =>
    complaints(withPools({ id: 'a', ...pool })).map((line) =>
      line.replace('resource_pools.pools.0.', ''),
    );

  it.each(['a', 'gpu', 'gpu-2', 'a--b', `a${'-'.repeat(61)}9`])('may have the id %s', (id) => {
    expect(complaints(withPools({ id }))).toEqual([]);
  });

  it.each([
    ['GPU farm', '; did you mean gpu-farm?'],
    ['gpu_2', '; did you mean gpu-2?'],
    ['-gpu', '; did you mean gpu?'],
    ['gpu-', '; did you mean gpu?'],
    ['2', ''],
    ['', ''],
    ['x'.repeat(64), `; did you mean ${'x'.repeat(63)}?`],
  ])('may not have the id %j', (id, meant) => {
    expect(checkSettings(withPools({ id: 'ok' }, { id }))).toEqual([
      {
        path: ['resource_pools', 'pools', 1, 'id'],
        message:
          "a pool's id has 1 to 63 of a-z, 0-9 and -, begins with a letter and does not end" +
          ` with -: "${id}"${meant}`,
      },
    ]);
  });

  it('shows no control characters and no endless ids', () => {
    const [first, second] = complaints(withPools({ id: '\u001b[31m' }, { id: '_'.repeat(9_999) }));
    expect(first).toContain('\\u{1b}');
    expect(second?.length).toBeLessThan(250);
  });

  it('has an id of its own', () => {
    expect(complaints(withPools({ id: 'a' }, { id: 'b' }, { id: 'a' }, { id: 'a' }))).toEqual([
      'resource_pools.pools.2.id: "a" is in the list already, as resource_pools.pools[0]',
      'resource_pools.pools.3.id: "a" is in the list already, as resource_pools.pools[0]',
    ]);
  });

  it.each(['name', 'provider'])('may have any printable %s of at most 100 characters', (field) => {
    for (const text of ['GPU farm (Zürich)', 'x', '北京', 'x'.repeat(100)]) {
      expect(about({ [field]: text })).toEqual([]);
    }
    const rule = `${field}: a ${field} has 1 to 100 printable characters`;
    for (const text of ['', '  ', 'a\nb', '\u001b[31m', 'a\u202Eb', 'x'.repeat(101)]) {
      expect(about({ [field]: text })).toEqual([rule]);
    }
  });

  it('has whole sizes, the smallest of which is not above the largest', () => {
    const good: [number, number][] = [
      [0, 0],
      [0, 1],
      [1, 1],
      [3, 8],
      [1_000_000, 1_000_000],
    ];
    for (const [min_size, max_size] of good) expect(about({ min_size, max_size })).toEqual([]);
    expect(about({ max_size: 5 })).toEqual([]);
    expect(about({ min_size: 3, max_size: 2 })).toEqual([
      'min_size: 3 is above max_size, which is 2',
    ]);
    expect(about({ min_size: 2 })).toEqual(['min_size: 2 is above max_size, which is 1']);
    expect(about({ max_size: 0 })).toEqual(['min_size: 1 is above max_size, which is 0']);
  });

  it.each([-1, 1.5, NaN, Infinity, 1_000_001])('refuses %d as a size', (wrong) => {
    const rule = 'a size is a whole number from 0 to 1000000';
    expect(about({ min_size: wrong, max_size: 9 })).toEqual([`min_size: ${rule}`]);
    expect(about({ max_size: wrong, resources: { gpu: 1 } })).toEqual([`max_size: ${rule}`]);
  });

  it.each([-1, 1.5, NaN, Infinity, MAX_AMOUNT + 1])(
    'refuses %d as an amount and limit',
    (wrong) => {
      expect(about({ resources: { gpu: wrong } })).toEqual([
        'resources.gpu: an amount is a whole number from 0 to 9007199254740991',
      ]);
      const quotas = { max_concurrent_jobs: wrong, max_jobs_per_tenant: wrong };
      expect(about({ quotas })).toEqual([
        `quotas.max_concurrent_jobs: ${LIMIT_RULE}`,
        `quotas.max_jobs_per_tenant: ${LIMIT_RULE}`,
      ]);
    },
  );

  it('may have any resource of the catalogue, kinds too, and quotas that are unlimited', () => {
    const document: SettingsInput = {
      ...documentWith([
        { name: 'license', default_limit: 0 },
        { name: 'gpu.h100', default_limit: 0 },
      ]),
      resource_pools: {
        pools: [
          {
            id: 'a',
            resources: { cpu_m: 0, memory_mb: 1, gpu: 2, 'gpu.h100': 2, license: 3 },
            quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 0 },
          },
        ],
      },
    };
    expect(complaints(document)).toEqual([]);
  });

  it('has no resource that is not in the catalogue, and what is there is named', () => {
    const path = ['resource_pools', 'pools', 0, 'resources'];
    expect(checkSettings(withPools({ id: 'a', resources: { licence: 1, cpu: 2 } }))).toEqual([
      {
        path: [...path, 'licence'],
        message: 'no resource has the name "licence"',
        known: ['cpu_m', 'memory_mb', 'gpu', 'license'],
      },
      { path: [...path, 'cpu'], message: 'no resource has the name "cpu"', known: ['cpu_m'] },
    ]);
  });

  it.each(['jobs', 'max_concurrent_jobs'])('limits jobs by a quota, not by %s', (name) => {
    expect(checkSettings(withPools({ id: 'a', resources: { [name]: 3 } }))).toEqual([
      {
        path: ['resource_pools', 'pools', 0, 'resources', name],
        message: 'jobs are limited by quotas.max_concurrent_jobs',
        known: [],
      },
    ]);
  });

  it('has no more of anything in all workers than can be counted', () => {
    const exact = Math.floor(MAX_AMOUNT / 1000);
    expect(about({ max_size: 1000, resources: { gpu: exact } })).toEqual([]);
    expect(about({ max_size: 1000, resources: { gpu: exact + 1 } })).toEqual([
      `resources.gpu: ${exact + 1} in each of 1000 workers is above 9007199254740991`,
    ]);
    expect(about({ resources: { gpu: MAX_AMOUNT } })).toEqual([]);
    expect(about({ min_size: 0, max_size: 0, resources: { gpu: MAX_AMOUNT } })).toEqual([]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: -2, max: 2 }),
        (workers, delta) => {
          const amount = Math.min(MAX_AMOUNT, Math.floor(MAX_AMOUNT / workers) + delta);
          const isTooMuch = BigInt(amount) * BigInt(workers) > BigInt(MAX_AMOUNT);
          const found = about({ max_size: workers, resources: { gpu: amount } });
          expect(found.length > 0).toBe(isTooMuch);
        },
      ),
    );
  });
});

describe('the times of jobs', () => {
  const about = (jobs: SettingsInput['jobs']) => complaints({ ...documentWith([]), jobs });

  it('are whole seconds, and a lease may be none', () => {
    expect(about({})).toEqual([]);
    expect(
      about({ default_ttl_seconds: null, claim_seconds: 1, queue_ttl_seconds: 31_536_000 }),
    ).toEqual([]);
    expect(
      about({ default_ttl_seconds: 31_536_000, claim_seconds: 86_400, queue_ttl_seconds: 1 }),
    ).toEqual([]);
  });

  it.each([0, -1, 1.5, NaN, 31_536_001])('are not %d', (wrong) => {
    expect(
      about({ default_ttl_seconds: wrong, claim_seconds: wrong, queue_ttl_seconds: wrong }),
    ).toEqual([
      'jobs.default_ttl_seconds: a time is a whole number of seconds from 1 to 31536000, or none',
      'jobs.claim_seconds: a time is a whole number of seconds from 1 to 86400',
      'jobs.queue_ttl_seconds: a time is a whole number of seconds from 1 to 31536000',
    ]);
  });

  it('to claim a job are a day at most', () => {
    expect(about({ claim_seconds: 86_401 })).toEqual([
      'jobs.claim_seconds: a time is a whole number of seconds from 1 to 86400',
    ]);
  });
});
