import type * as z from 'zod';
import { databaseError } from '../domain/errors.ts';
import type { EventFilter, EventRow, Tables } from '../store/store.ts';
import { cutPage, decodeNumber } from './cursor.ts';
import type { Context } from './operation.ts';
import { toInstant } from './schemas/common.ts';
import type { EventResponse, FollowedEvent } from './schemas/event.ts';

type Within = Pick<Context, 'tables' | 'reach'>;

export type EventView = z.output<ReturnType<typeof EventResponse>>;
export type FollowedView = z.output<ReturnType<typeof FollowedEvent>>;

/** One page of events, the newest first. */
export async function pageOfEvents(
  context: Within,
  filter: EventFilter,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ items: EventView[]; next_cursor: string | null }> {
  const before = decodeNumber('sequence', cursor);
  const found = await context.tables.events.list(filter, before, limit + 1);
  const { rows, next } = cutPage(found, limit, 'sequence', (last) => [last.sequence]);
  const items: EventView[] = [];
  for (const event of rows) items.push(await viewEvent(context, event));
  return { items, next_cursor: next };
}

/** @throws database for an event that hodei cannot have written. */
export async function viewEvent({ tables, reach }: Within, event: EventRow): Promise<EventView> {
  try {
    const view = await readEvent(tables, event);
    return reach.root === undefined ? view : await withoutForeignParents(tables, view);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    throw databaseError(`event ${event.sequence} cannot be read`, {
      hint: 'Something other than hodei changed it: hodei audit verify',
      cause: error,
    });
  }
}

async function readEvent(tables: Tables, event: EventRow): Promise<EventView> {
  const tenant = event.tenant === null ? undefined : await tables.tenants.byId(event.tenant);
  return {
    sequence: event.sequence,
    time: toInstant(event.time),
    principal: event.principal,
    acting_as: event.actingAs,
    operation: event.operation,
    tenant: event.tenant,
    tenant_name: tenant?.name ?? null,
    object: event.object,
    reason: event.reason,
    before: parseState(event.before),
    after: parseState(event.after),
    trace_id: event.traceId,
    hash: event.hash,
  };
}

type State = EventView['before'];

/** Where a tenant stood that was elsewhere before is not for who is bound to where it is now. */
async function withoutForeignParents(tables: Tables, view: EventView): Promise<EventView> {
  if (!view.operation.startsWith('tenant.')) return view;
  const within = async (state: State): Promise<State> => {
    const parent = state?.['parent'];
    if (typeof parent !== 'string') return state;
    if ((await tables.tenants.byName(parent)) !== undefined) return state;
    const { parent: _, ...rest } = state ?? {};
    return rest;
  };
  return { ...view, before: await within(view.before), after: await within(view.after) };
}

function parseState(text: string | null): Record<string, unknown> | null {
  return text === null ? null : (JSON.parse(text) as Record<string, unknown>);
}
