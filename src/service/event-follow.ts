import * as z from 'zod';
import { HodeiError } from '../domain/errors.ts';
import { EVERYBODY } from '../domain/role.ts';
import type { EventRow, Tables } from '../store/store.ts';
import { eventExample } from './examples.ts';
import { isWantedRow, poolFinder, type EventWishes, requireKnownKinds } from './event-filter.ts';
import { viewEvent, type FollowedView } from './event-page.ts';
import { operation, type Context } from './operation.ts';
import { findPool } from './pool-lookup.ts';
import { MAX_PAGE, queryInteger, tenantReference } from './schemas/common.ts';
import { FollowedEvent } from './schemas/event.ts';
import { findTenantOrTombstone } from './tenant-lookup.ts';

const MAX_KINDS = 20;

const kind = () =>
  z
    .string()
    .max(100)
    .regex(/^[a-z]+(\.[a-z]+)?$/, 'must be a noun such as job, or a name such as job.promote');

export const followEvents = operation({
  name: 'event.follow',
  summary: 'Follow every decision and change in the order of the commits, from any of them on',
  method: 'GET',
  path: '/events',
  roles: EVERYBODY,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  isStream: true,
  input: () =>
    z.strictObject({
      after: queryInteger(0, 999_999_999_999_999)
        .optional()
        .describe('Begin behind the event of this sequence number; without it, with the next one.'),
      tenant: tenantReference()
        .optional()
        .describe('Only events of this tenant; of a deleted one by id.'),
      pool: z.string().min(1).max(200).optional().describe('Only events about this pool.'),
      kind: z
        .union([kind(), z.array(kind()).max(MAX_KINDS)])
        .optional()
        .describe('Only events of this noun (job) or name (job.promote); several: of any of them.'),
      object: z.string().min(1).max(200).optional().describe('Only events about this public id.'),
      limit: queryInteger(1, MAX_PAGE)
        .default(MAX_PAGE)
        .describe(`Events in one answer, 1 to ${MAX_PAGE}; it does not count for a stream.`),
    }),
  output: () =>
    z
      .strictObject({
        items: z.array(FollowedEvent()).describe('The oldest first.'),
        last: z
          .int()
          .describe('Looked at so far, wanted or not: after for what follows. The same: no more.'),
        tenant: z.string().nullable().describe('Id of the tenant that was asked for.'),
      })
      .meta({ id: 'EventsResponse' }),
  example: {
    input: { after: 17, kind: 'quota' },
    output: { items: [{ ...eventExample, pool: null }], last: 18, tenant: null },
  },

  async run(context, input) {
    const { tables } = context;
    const { tenant: reference, pool, kind: asked = [], object, limit } = input;
    const wishes = { pool, kinds: [asked].flat(), object };
    requireKnownKinds(wishes.kinds);
    const tenant =
      reference === undefined ? undefined : (await findTenantOrTombstone(tables, reference)).id;
    if (pool !== undefined) await findPool(tables, pool);
    const after = input.after ?? (await tables.events.head())?.sequence ?? 0;
    const looked = await lookAfter(context, after, { ...wishes, tenant }, limit);
    return { ...looked, tenant: tenant ?? null };
  },
});

/** So many events are looked at for one answer, however few of them are wanted. */
const LOOKED_AT = MAX_PAGE;

/** The wanted events after a sequence number, and up to where that is all of them. */
async function lookAfter(
  { tables, caller, reach }: Context,
  after: number,
  wishes: EventWishes,
  limit: number,
) {
  const rows = await tables.events.following(after, LOOKED_AT);
  await requireKept(tables, after, rows[0]);
  const isForCaller = async ({ tenant, operation: name }: EventRow) => {
    // What a job server has to know of is what becomes of jobs.
    if (caller.role === 'agent' && !name.startsWith('job.')) return false;
    if (reach.root === undefined) return true;
    return tenant !== null && (await tables.tenants.byId(tenant)) !== undefined;
  };
  const poolOf = poolFinder(tables);
  const items: FollowedView[] = [];
  let last = after;
  for (const row of rows) {
    if (items.length === limit) break;
    last = row.sequence;
    if (!isWantedRow(wishes, row) || !(await isForCaller(row))) continue;
    const view = await viewEvent({ tables, reach }, row);
    const pool = await poolOf(row, view.before, view.after);
    if (wishes.pool === undefined || wishes.pool === pool) items.push({ ...view, pool });
  }
  return { items, last };
}

/** @throws gone when there were events in between, or none as late as that. */
async function requireKept(
  tables: Tables,
  after: number,
  first: EventRow | undefined,
): Promise<void> {
  if (first?.sequence === after + 1) return;
  if (first !== undefined) {
    throw gone(
      `The events from ${after + 1} to ${first.sequence - 1} are not kept any more.`,
      `Begin with the oldest there is, after=${first.sequence - 1}, or without after.`,
    );
  }
  const last = (await tables.events.head())?.sequence ?? 0;
  if (last === after) return;
  throw gone(
    `There is no event ${after} here: the last one is ${last}.`,
    'Another database may have taken the place of the one it was of. Begin without after.',
  );
}

function gone(message: string, hint: string): HodeiError {
  return new HodeiError('gone', message, { hint });
}
