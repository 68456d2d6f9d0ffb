import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import {
  checkSettings,
  diffSettings,
  settingsDocument,
  settingsFromDocument,
  type Settings,
  type SettingsChange,
} from '../domain/settings.ts';
import type { Resource } from '../domain/resource.ts';
import type { SettingsRow, Store, Tables } from '../store/store.ts';
import type { Environment } from './call.ts';
import { recordEvent } from './event-log.ts';
import { settingsExample } from './examples.ts';
import { nothingInForce, parseDocument } from './settings-in-force.ts';
import { expectVersion, lazy, operation, type Caller, type Context } from './operation.ts';
import { instant, toInstant } from './schemas/common.ts';
import { describeProblem, SettingsDocument } from './schemas/settings.ts';

const ignored = lazy(() => z.unknown().optional().describe('Read only: accepted and ignored.'));

const limit = lazy(() => z.int().nullable());

const SettingsResponse = lazy(() =>
  z.strictObject({
    resources: z.array(
      z.strictObject({ name: z.string(), unit: z.string(), default_limit: limit() }),
    ),
    multi_tenancy: z.strictObject({ default_tenant_quota: z.record(z.string(), limit()) }),
    revision: z.int().describe('Counts the changes; sent as ETag.'),
    applied_at: instant(),
  }),
);

const retired = lazy(() =>
  z
    .array(z.strictObject({ resource: z.string(), limits: z.int() }))
    .describe(
      'Resources taken out, and how many tenants have a limit that is kept for their return.',
    ),
);

const SettingsChangeResponse = lazy(() =>
  SettingsResponse().extend({
    changes: z.array(z.strictObject({ key: z.string(), before: z.unknown(), after: z.unknown() })),
    retired: retired(),
  }),
);

export const getSettings = operation({
  name: 'config.get',
  summary: 'Get the settings in force: resources and the default quota',
  method: 'GET',
  path: '/config',
  role: 'viewer',
  isReadOnly: true,
  isVersioned: true,
  input: () => z.strictObject({}),
  output: SettingsResponse,
  example: { input: {}, output: settingsExample },

  async run({ tables }) {
    const row = await tables.settings.current();
    if (row === undefined) throw nothingInForce();
    return viewSettings(row);
  },
});

export const applySettings = operation({
  name: 'config.apply',
  summary: 'Put settings in force, as a new revision, and answer what changed',
  method: 'PUT',
  path: '/config',
  role: 'admin',
  isReadOnly: false,
  isVersioned: true,
  requestName: 'SettingsDocument',
  input: () =>
    SettingsDocument().extend({
      revision: ignored(),
      applied_at: ignored(),
      changes: ignored(),
      retired: ignored(),
    }),
  output: SettingsChangeResponse,
  example: {
    input: {
      resources: settingsExample.resources,
      multi_tenancy: settingsExample.multi_tenancy,
    },
    output: {
      ...settingsExample,
      changes: [{ key: 'resources.license.default_limit', before: 0, after: 2 }],
      retired: [],
    },
  },

  async run(context, input) {
    const problems = checkSettings(input);
    if (problems.length > 0) {
      const lines = problems.map(
        (problem) => `${problem.path.join('.')}: ${describeProblem(problem)}`,
      );
      throw invalid(lines.join('; '));
    }
    const present = await context.tables.settings.current();
    expectVersion(context, present?.revision ?? 0, 'The configuration');
    const { row, ...outcome } = await putInForce(context, settingsFromDocument(input));
    return { ...viewSettings(row), ...outcome };
  },
});

/** Puts settings in force where there are none yet: in a new database. */
export async function beginSettings(
  store: Store,
  { now, newId }: Environment,
  caller: Caller,
  settings: Settings,
): Promise<void> {
  await store.transaction(async ({ tables }) => {
    if ((await tables.settings.current()) !== undefined) return;
    await putInForce({ tables, caller, now: now(), newId }, settings);
  });
}

/** Writes a revision where something changed, the catalogue with it, and the event. */
async function putInForce(
  context: Context,
  settings: Settings,
): Promise<{ row: SettingsRow; changes: SettingsChange[]; retired: Retired[] }> {
  const { tables, now } = context;
  const present = await tables.settings.current();
  const before = present && settingsFromDocument(parseDocument(present));
  const changes = diffSettings(before ?? NO_SETTINGS, settings);
  if (present !== undefined && changes.length === 0) return { row: present, changes, retired: [] };
  const row: SettingsRow = {
    revision: (present?.revision ?? 0) + 1,
    appliedAt: now,
    document: JSON.stringify(settingsDocument(settings)),
  };
  await tables.settings.insert(row);
  const retired = await writeCatalogue(tables, settings.resources);
  await recordEvent(context, {
    operation: 'config.apply',
    tenant: null,
    object: 'config',
    before: before === undefined ? null : sideOf(changes, 'before'),
    after: sideOf(changes, 'after'),
  });
  return { row, changes, retired };
}

const NO_SETTINGS: Settings = { resources: [], defaultTenantQuota: {} };

function sideOf(changes: readonly SettingsChange[], side: 'before' | 'after') {
  const there = changes.filter((change) => change[side] !== undefined);
  return Object.fromEntries(there.map((change) => [change.key, change[side]]));
}

interface Retired {
  readonly resource: string;
  readonly limits: number;
}

/** Makes the rows of the catalogue those of the settings; what left is retired, not deleted. */
async function writeCatalogue(tables: Tables, resources: readonly Resource[]): Promise<Retired[]> {
  const rows = await tables.resources.list();
  for (const [position, resource] of resources.entries()) {
    const row = rows.find(({ name }) => name === resource.name);
    if (row === undefined) await tables.resources.insert({ ...resource, retired: false }, position);
    else await tables.resources.update({ ...row, ...resource, retired: false }, position);
  }
  const listed = new Set(resources.map(({ name }) => name));
  const left: Retired[] = [];
  for (const row of rows) {
    if (listed.has(row.name)) continue;
    await tables.resources.update({ ...row, retired: true }, rows.length);
    if (row.retired) continue;
    left.push({ resource: row.name, limits: await tables.quotas.countLimits(row.key) });
  }
  return left;
}

function viewSettings(row: SettingsRow): z.output<ReturnType<typeof SettingsResponse>> {
  const { resources, multi_tenancy } = parseDocument(row);
  return {
    resources: [...resources],
    multi_tenancy: { default_tenant_quota: { ...multi_tenancy.default_tenant_quota } },
    revision: row.revision,
    applied_at: toInstant(row.appliedAt),
  };
}
