import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInResources, limitField, MAX_AMOUNT } from '../../src/domain/resource.ts';
import {
  checkSettings,
  defaultSettings,
  diffSettings,
  settingsDocument,
  settingsFromDocument,
  type Settings,
  type SettingsInput,
} from '../../src/domain/settings.ts';

const limit = fc.oneof(fc.nat(), fc.constant(null), fc.constant(MAX_AMOUNT), fc.constant(0));
const custom = fc.record({
  name: fc.stringMatching(/^x[a-z0-9_]{0,30}$/),
  unit: fc.constantFrom('count', 'seats', 'GB/s'),
  defaultLimit: limit,
});

/** Any settings that can be in force. */
const anySettings: fc.Arbitrary<Settings> = fc
  .tuple(
    fc.uniqueArray(custom, { selector: ({ name }) => name, maxLength: 8 }),
    fc.tuple(limit, limit, limit, limit),
    fc.array(fc.option(limit, { nil: undefined }), { minLength: 12, maxLength: 12 }),
  )
  .map(([added, defaults, quota]) => {
    const builtIn = builtInResources.map((resource, index) => ({
      ...resource,
      defaultLimit: defaults[index] ?? null,
    }));
    const resources = [...builtIn, ...added];
    const entries = resources.map(({ name }, index) => [name, quota[index]] as const);
    return {
      resources,
      defaultTenantQuota: Object.fromEntries(
        entries.filter((entry): entry is [string, number | null] => entry[1] !== undefined),
      ),
    };
  });

function documentWith(
  resources: SettingsInput['resources'],
  quota: Record<string, number | null> = {},
): SettingsInput {
  return { resources, multi_tenancy: { default_tenant_quota: quota } };
}

function complaints(document: SettingsInput): string[] {
  return checkSettings(document).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a settings document', () => {
  it('spells jobs as max_concurrent_jobs and leaves unlimited null', () => {
    const settings = { ...defaultSettings, defaultTenantQuota: { cpu_m: null, jobs: 3 } };
    expect(settingsDocument(settings).multi_tenancy.default_tenant_quota).toEqual({
      cpu_m: null,
      max_concurrent_jobs: 3,
    });
  });

  it('carries all of the settings, there and back, even as text', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        const document = settingsDocument(settings);
        const read = JSON.parse(JSON.stringify(document)) as typeof document;
        expect(settingsFromDocument(read)).toEqual(settings);
        expect(settingsDocument(settingsFromDocument(document))).toEqual(document);
      }),
    );
  });

  it('of settings that can be in force has no problem', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        expect(checkSettings(settingsDocument(settings))).toEqual([]);
      }),
    );
  });

  it('puts the built-in resources first, and the others in their own order', () => {
    const { resources } = settingsFromDocument(
      documentWith([
        { name: 'zinc', default_limit: 1 },
        { name: 'gpu', default_limit: 8 },
        { name: 'alloy', unit: 'kg', default_limit: null },
      ]),
    );
    expect(resources).toEqual([
      { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 },
      { name: 'memory_mb', unit: 'MiB', defaultLimit: 0 },
      { name: 'gpu', unit: 'count', defaultLimit: 8 },
      { name: 'jobs', unit: 'count', defaultLimit: 0 },
      { name: 'zinc', unit: 'count', defaultLimit: 1 },
      { name: 'alloy', unit: 'kg', defaultLimit: null },
    ]);
  });

  it('keeps the default quota in the order of the catalogue', () => {
    const quota = { license: 2, gpu: 1, max_concurrent_jobs: 3 };
    const document = documentWith([{ name: 'license', default_limit: 0 }], quota);
    const settings = settingsFromDocument(document);
    expect(Object.keys(settings.defaultTenantQuota)).toEqual(['gpu', 'jobs', 'license']);
  });
});

describe('checkSettings', () => {
  it('accepts a built-in resource with another default limit, with or without its unit', () => {
    expect(complaints(documentWith([{ name: 'gpu', default_limit: 4 }]))).toEqual([]);
    expect(
      complaints(documentWith([{ name: 'memory_mb', unit: 'MiB', default_limit: null }])),
    ).toEqual([]);
  });

  it.each(['', 'License', '3d', '_a', 'a-b', 'a b', 'gpu.h100', 'x'.repeat(32), 'é'])(
    'refuses %j as a name',
    (name) => {
      expect(complaints(documentWith([{ name, default_limit: 0 }]))).toEqual([
        `resources.0.name: "${name}" is no name of a resource:` +
          ' a-z, 0-9 and _, from a letter, at most 31',
      ]);
    },
  );

  it.each([
    ...['tenant', 'tenant_id', 'tenant_name', 'current_usage', 'unset', 'bound_by', 'version'],
    ...['updated_at', 'warnings', 'changes', 'id', 'name', 'max_concurrent_jobs', 'active_jobs'],
    ...['pool', 'job_id', 'priority', 'ttl_seconds', 'queue_ttl_seconds', 'labels', 'on_full'],
    ...['cpu', 'memory', 'constructor'],
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
    const message = 'a limit is a whole number from 0 to 9007199254740991, or unlimited';
    expect(complaints(document)).toEqual([
      `resources.0.default_limit: ${message}`,
      `multi_tenancy.default_tenant_quota.gpu: ${message}`,
    ]);
  });

  it('refuses default quotas of what is not in the catalogue, and names what is', () => {
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

  it('shows no control characters and no endless names', () => {
    const [first, second] = complaints(
      documentWith([
        { name: '\u001b[31m', default_limit: 0 },
        { name: 'x'.repeat(10_000), default_limit: 0 },
      ]),
    );
    expect(first).toContain('\\u{1b}');
    expect(second?.length).toBeLessThan(200);
  });
});

describe('diffSettings', () => {
  it('finds nothing between equal settings', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        expect(diffSettings(settings, structuredClone(settings))).toEqual([]);
      }),
    );
  });

  it('finds something between settings that differ, and the reverse the other way round', () => {
    fc.assert(
      fc.property(anySettings, anySettings, (before, after) => {
        const isSame =
          JSON.stringify(settingsDocument(before)) === JSON.stringify(settingsDocument(after));
        const changes = diffSettings(before, after);
        expect(changes.length === 0).toBe(isSame);
        const reverse = diffSettings(after, before).map((change) => ({
          key: change.key,
          before: change.after,
          after: change.before,
        }));
        expect(new Set(reverse)).toEqual(new Set(changes));
      }),
    );
  });

  it('names the keys as the document does; a key that is not there is undefined', () => {
    const license = { name: 'license', unit: 'seats', defaultLimit: 5 };
    const before: Settings = {
      resources: [...builtInResources, license],
      defaultTenantQuota: { gpu: 0, jobs: 10 },
    };
    const after: Settings = {
      resources: [...builtInResources, { ...license, defaultLimit: null }],
      defaultTenantQuota: { gpu: null, jobs: 11, license: 1 },
    };
    const quota = 'multi_tenancy.default_tenant_quota';
    expect(diffSettings(before, after)).toEqual([
      { key: 'resources.license.default_limit', before: 5, after: null },
      { key: `${quota}.gpu`, before: 0, after: null },
      { key: `${quota}.${limitField('jobs')}`, before: 10, after: 11 },
      { key: `${quota}.license`, before: undefined, after: 1 },
    ]);
    expect(
      diffSettings(defaultSettings, { ...defaultSettings, resources: before.resources }),
    ).toEqual([
      { key: 'resources.license.unit', before: undefined, after: 'seats' },
      { key: 'resources.license.default_limit', before: undefined, after: 5 },
    ]);
  });

  it('sees another order of the same resources', () => {
    const [a, b] = ['a', 'b'].map((name) => ({ name, unit: 'count', defaultLimit: 0 }));
    const ordered = (...added: (typeof a)[]): Settings => ({
      ...defaultSettings,
      resources: [...builtInResources, ...added.filter((resource) => resource !== undefined)],
    });
    expect(diffSettings(ordered(a, b), ordered(b, a))).toEqual([
      {
        key: 'resources',
        before: ['cpu_m', 'memory_mb', 'gpu', 'jobs', 'a', 'b'],
        after: ['cpu_m', 'memory_mb', 'gpu', 'jobs', 'b', 'a'],
      },
    ]);
  });
});
