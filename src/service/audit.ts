import type * as z from 'zod';
import { HodeiError, invalid } from '../domain/errors.ts';
import { READERS } from '../domain/role.ts';
import type { Tables } from '../store/store.ts';
import { exportExample, verificationExample } from './audit-examples.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { batches, checkPiece, type Piece } from './event-chain.ts';
import { chainStart, type ChainPlace } from './event-log.ts';
import { viewEvent, type EventView } from './event-page.ts';
import { operation } from './operation.ts';
import { everywhere } from './reach.ts';
import { AuditExport, AuditVerification, exportInput, verifyInput } from './schemas/audit.ts';

export type AuditPiece = z.output<ReturnType<typeof AuditVerification>>;

export const verifyAudit = operation({
  name: 'audit.verify',
  summary: 'Follow a piece of the chain of events, and say where it is broken, and why',
  method: 'GET',
  path: '/audit/verify',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: verifyInput,
  output: AuditVerification,
  example: { input: { limit: 1_000 }, output: verificationExample },

  async run({ tables }, { after, hash, limit }) {
    const piece = await checkPiece(tables, placeFrom(after, hash), limit);
    const { checked, last, broken, head, isEnd } = piece;
    return {
      ...{ checked, last: toPlace(last), head: head === undefined ? null : toPlace(head) },
      ...{ broken_at: broken?.sequence ?? null, why: broken?.why ?? null, is_last: isEnd },
    };
  },
});

function placeFrom(after: number | undefined, hash: string | undefined): ChainPlace {
  if (after === undefined && hash === undefined) return chainStart;
  if (after === 0 && hash === undefined) return chainStart;
  if (after !== undefined && hash !== undefined) return { sequence: after, hash };
  throw invalid('after and hash belong together.', 'Take both from last of the piece before.');
}

function toPlace({ sequence, hash }: ChainPlace): ChainPlace {
  return { sequence, hash };
}

/** The same piece for who asked for it by this operation. */
export function pieceOf(answer: AuditPiece): Piece {
  const { checked, last, broken_at: sequence, why, head, is_last: isEnd } = answer;
  const broken = sequence === null || why === null ? undefined : { sequence, why };
  return { checked, last, broken, head: head ?? undefined, isEnd };
}

export const exportAudit = operation({
  name: 'audit.export',
  summary: 'Export events whole and in order, so that their chain can be checked elsewhere',
  method: 'GET',
  path: '/audit/export',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: exportInput,
  output: AuditExport,
  example: { input: { since: '2026-11-23T00:00:00.000Z' }, output: exportExample },

  async run({ tables }, { since, until, limit, cursor }) {
    if (cursor !== undefined && (since ?? until) !== undefined) {
      throw invalid('The cursor knows since and until: leave them out.');
    }
    const range =
      cursor === undefined ? await rangeOf(tables, since, until) : await rangeAt(tables, cursor);
    const { items, last } = await eventsIn(tables, range, limit);
    return {
      ...{ from: range.from, items, head: range.head ?? null },
      next_cursor: last.sequence < range.end ? cursorAt(last, range) : null,
    };
  },
});

/** What is left to be exported. */
interface Range {
  readonly from: ChainPlace;
  /** The number of the last one. */
  readonly end: number;
  /** The last event there was when the export began. */
  readonly head: ChainPlace | undefined;
}

async function rangeOf(
  { events }: Tables,
  since: string | undefined,
  until: string | undefined,
): Promise<Range> {
  const head = await events.head();
  if (head === undefined) return { from: chainStart, end: 0, head };
  const first = await events.first(since === undefined ? undefined : Date.parse(since));
  // Where nothing is as late as that, the export is empty, and says behind which event it is.
  const from =
    first === undefined ? head : { sequence: first.sequence - 1, hash: first.previousHash };
  return { from, end: await endOf(events, head, until), head };
}

async function endOf(
  events: Tables['events'],
  head: ChainPlace,
  until: string | undefined,
): Promise<number> {
  if (until === undefined) return head.sequence;
  const [last] = await events.list({ until: Date.parse(until) }, undefined, 1);
  return last?.sequence ?? 0;
}

const ORDER = 'audit export';

function cursorAt(last: ChainPlace, { end, head }: Range): string {
  const { sequence, hash } = head ?? chainStart;
  return encodeCursor(ORDER, [last.sequence, last.hash, end, sequence, hash]);
}

/** @throws gone when another history has taken the place of the one of which the cursor is. */
async function rangeAt({ events }: Tables, cursor: string): Promise<Range> {
  const place = decodeCursor(ORDER, cursor, ['number', 'string', 'number', 'number', 'string']);
  const [sequence, hash, end, headSequence, headHash] = place.map((part, i) =>
    i === 1 || i === 4 ? String(part) : Number(part),
  ) as [number, string, number, number, string];
  const [last] = await events.following(sequence - 1, 1);
  if (last?.sequence === sequence && last.hash === hash) {
    return { from: { sequence, hash }, end, head: { sequence: headSequence, hash: headHash } };
  }
  throw new HodeiError('gone', `Event ${sequence} is not there any more as it was exported.`, {
    hint: 'A restore does that: export from the beginning again.',
  });
}

async function eventsIn(
  tables: Tables,
  { from, end }: Range,
  limit: number,
): Promise<{ items: EventView[]; last: ChainPlace }> {
  const items: EventView[] = [];
  let last = from;
  for await (const { events } of batches(tables, from, limit)) {
    for (const event of events.filter(({ sequence }) => sequence <= end)) {
      items.push(await viewEvent({ tables, reach: everywhere }, event));
      last = toPlace(event);
    }
    if (last.sequence >= end) break;
  }
  return { items, last: items.length === 0 ? { ...from, sequence: end } : last };
}
