import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import type { Resource } from '../domain/resource.ts';
import { ADMINS, READERS } from '../domain/role.ts';
import { settingsDocument, settingsFromDocument, type Settings } from '../domain/settings.ts';
import { checkSettings } from '../domain/settings-check.ts';
import { diffSettings, type SettingsChange } from '../domain/settings-diff.ts';
import type { RevisionRow, Store, Tables } from '../store/store.ts';
import type { Environment } from './call.ts';
import { forgetUses } from './budget-use.ts';
import { recordEvent } from './event-log.ts';
import { settingsExample } from './examples.ts';
import { nothingInForce, settingsOf } from './settings-in-force.ts';
import { expectVersion, lazy, operation, type Caller, type Context } from './operation.ts';
import { writePools } from './pool-settings.ts';
import { promote } from './promotion.ts';
import { everywhere } from './reach.ts';
import { toInstant } from './schemas/common.ts';
import { describeProblem, SettingsDocument } from './schemas/settings.ts';
import { SettingsResponse } from './schemas/settings-response.ts';

const ignored = lazy(() => z.unknown().optional().describe('Read only: accepted and ignored.'));

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
  summary: 'Get the settings in force: resources, pools, and what holds for tenants and jobs',
  method: 'GET',
  path: '/config',
  roles: READERS,
  reach: 'tenant',
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
  roles: ADMINS,
  reach: 'all',
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
      resource_pools: settingsExample.resource_pools,
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
  await store.transaction(async ({ tables, attempt }) => {
    if ((await tables.settings.current()) !== undefined) return;
    const part: Context['attempt'] = (work) => attempt(work, true);
    const time = await now(tables, true);
    const context = {
      tables,
      reach: everywhere,
      caller,
      now: time,
      newId,
      attempt: part,
      round: 0,
    };
    await putInForce(context, settings);
  });
}

/** Writes a revision where something changed, catalogue and pools with it, and the event. */
async function putInForce(
  context: Context,
  settings: Settings,
): Promise<{ row: RevisionRow; changes: SettingsChange[]; retired: Retired[] }> {
  const { tables, now } = context;
  const present = await tables.settings.current();
  const before = present && settingsOf(present);
  const changes = diffSettings(before, settings);
  if (present !== undefined && changes.length === 0) return { row: present, changes, retired: [] };
  const row: RevisionRow = {
    revision: (present?.revision ?? 0) + 1,
    appliedAt: now,
    document: JSON.stringify(settingsDocument(settings)),
  };
  // First, so that what holds until now decides whether it wants a reason.
  await recordEvent(context, {
    operation: 'config.apply',
    tenant: null,
    object: 'config',
    before: before === undefined ? null : sideOf(changes, 'before'),
    after: sideOf(changes, 'after'),
  });
  await tables.settings.insert(row);
  const retired = await writeCatalogue(tables, settings.resources);
  await writePools(context, settings);
  await forgetUses(context);
  // A higher default, a larger pool, pools switched off: there may be room anywhere.
  await promote(context, await tables.waiting.places());
  return { row, changes, retired };
}

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

function viewSettings(row: RevisionRow): z.output<ReturnType<typeof SettingsResponse>> {
  const document = settingsDocument(settingsOf(row));
  const { resources, resource_pools: section, burst_capacity: burst } = document;
  return {
    ...document,
    resources: [...resources],
    resource_pools: { ...section, pools: [...section.pools] },
    burst_capacity: {
      ...burst,
      approval: { ...burst.approval, approvers: [...burst.approval.approvers] },
    },
    security: { require_reason: [...document.security.require_reason] },
    revision: row.revision,
    applied_at: toInstant(row.appliedAt),
  };
}
