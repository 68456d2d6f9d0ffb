import { createHash } from 'node:crypto';
import { invalid } from '../domain/errors.ts';
import { visibleJson } from '../domain/text.ts';
import type { EventRow } from '../store/store.ts';
import { findBreak, type ChainBreak, type ChainPlace } from './event-log.ts';
import type { EventView } from './event-page.ts';
import { toInstant } from './schemas/common.ts';
import { AuditFileEnd, AuditFileStart, FORMAT, FORMAT_VERSION } from './schemas/audit-file.ts';
import { EventResponse } from './schemas/event.ts';

// An exported audit: a line that says what it is, one for each event, and one that says what was in
// it. Every line is JSON as hodei writes it and not otherwise, so that nothing stands in it which a
// reader of the file sees and the check does not.

/** What an export says of itself at its beginning. */
export interface FileOrigin {
  readonly place: string;
  readonly exportedAt: number;
}

/** Makes the lines of an export; what was written is checked like what is read. */
export function auditFileWriter(from: ChainPlace, { place, exportedAt }: FileOrigin) {
  const digest = createHash('sha256');
  let last = from;
  let events = 0;
  let broken: ChainBreak | undefined;
  const counted = (line: string) => {
    digest.update(`${line}\n`);
    return line;
  };
  return {
    start: () =>
      counted(
        visibleJson({
          ...{ format: FORMAT, version: FORMAT_VERSION, first_sequence: from.sequence + 1 },
          ...{ previous_hash: from.hash, exported_at: toInstant(exportedAt), place },
        }),
      ),
    event(event: EventView) {
      broken ??= breakBehind(last, event);
      last = placeOf(event);
      events += 1;
      return counted(visibleJson(event));
    },
    end: (head: ChainPlace | null) =>
      visibleJson({ end: FORMAT, events, last, head, sha256: digest.digest('hex') }),
    written: () => ({ events, first: from.sequence + 1, last, broken }),
  };
}

/** What a whole export has. */
export interface AuditFile {
  /** The place before its first event. */
  readonly from: ChainPlace;
  readonly last: ChainPlace;
  readonly events: number;
  /** The last event there was when it was made. */
  readonly head: ChainPlace | null;
  readonly place: string;
  readonly exportedAt: string;
  /** Some of its events, evenly spread, to find where another history begins to differ. */
  readonly marks: readonly ChainPlace[];
}

/** What is wrong with an export: at which line, and in words that follow the number of the line. */
export interface FileFault {
  readonly line: number;
  readonly problem: string;
  readonly broken?: ChainBreak;
}

/**
 * Reads an export to its end, or to the first fault.
 * @throws invalid when it is no export.
 */
export async function readAuditFile(
  lines: AsyncIterable<string>,
  file: string,
): Promise<AuditFile | FileFault> {
  const reader = auditFileReader(file);
  for await (const line of lines) {
    const fault = reader.read(line);
    if (fault !== undefined) return fault;
  }
  return reader.end();
}

export function isFault(read: AuditFile | FileFault): read is FileFault {
  return 'problem' in read;
}

function auditFileReader(file: string) {
  const digest = createHash('sha256');
  const marks = sparseMarks();
  let number = 0;
  let start: Start | undefined;
  let last: ChainPlace = { sequence: 0, hash: '' };
  let events = 0;
  let head: ChainPlace | null | undefined;
  const fault = (problem: string, broken?: ChainBreak): FileFault => {
    return { line: number, problem, ...(broken !== undefined && { broken }) };
  };
  const readEvent = (event: EventView) => {
    const broken = breakBehind(last, event);
    if (broken !== undefined) return fault('its chain is', broken);
    last = placeOf(event);
    events += 1;
    marks.add(last);
    return undefined;
  };
  const readEnd = (end: End) => {
    if (end.events !== events) return fault(`${end.events} events were exported, not ${events}`);
    if (!isSame(end.last, last)) return fault('the last event is not the one that was exported');
    if (end.sha256 !== digest.digest('hex')) return fault('a line before it was changed');
    ({ head } = end);
    return undefined;
  };
  return {
    read(line: string): FileFault | undefined {
      number += 1;
      const value = parseLine(line);
      if (start === undefined) {
        start = startOf(value, file);
        last = { sequence: start.first_sequence - 1, hash: start.previous_hash };
      } else {
        if (head !== undefined) return fault('nothing may stand behind the last line');
        if (value === undefined) return fault('it is not as hodei writes it, or was cut off');
        const end = AuditFileEnd().safeParse(value);
        if (end.success) return readEnd(end.data);
        if (!isEvent(value)) return fault('it is no event');
        const found = readEvent(value);
        if (found !== undefined) return found;
      }
      digest.update(`${line}\n`);
      return undefined;
    },
    end(): AuditFile | FileFault {
      if (start === undefined) throw noExport(file);
      if (head === undefined) return fault('the file was cut off: its last line is not there');
      const { place, exported_at: exportedAt, first_sequence: first, previous_hash } = start;
      const from = { sequence: first - 1, hash: previous_hash };
      return { from, last, events, head, place, exportedAt, marks: marks.all(last) };
    },
  };
}

type Start = ReturnType<ReturnType<typeof AuditFileStart>['parse']>;
type End = ReturnType<ReturnType<typeof AuditFileEnd>['parse']>;

function startOf(value: unknown, file: string): Start {
  const start = AuditFileStart().safeParse(value);
  if (start.success) return start.data;
  const { format, version } = Object(value) as Record<string, unknown>;
  if (format !== FORMAT || typeof version !== 'number' || version <= FORMAT_VERSION) {
    throw noExport(file);
  }
  throw invalid(`${file} was exported by a newer hodei.`, 'Check it with that one.');
}

function noExport(file: string) {
  return invalid(`${file} is no exported audit.`, 'One is made with: hodei audit export > FILE');
}

/** The value of a line; undefined where it is not what hodei writes, and so no JSON either. */
function parseLine(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return visibleJson(value) === line ? value : undefined;
  } catch (error) {
    // Not JSON, or nested so deeply that nothing could be done with it.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function isEvent(value: unknown): value is EventView {
  return EventResponse().safeParse(value).success;
}

function placeOf({ sequence, hash }: ChainPlace): ChainPlace {
  return { sequence, hash };
}

function isSame(a: ChainPlace, b: ChainPlace): boolean {
  return a.sequence === b.sequence && a.hash === b.hash;
}

/** An event does not say the hash of the one before it: it is right if its own comes out with it. */
function breakBehind(last: ChainPlace, event: EventView): ChainBreak | undefined {
  return findBreak(last, [rowOf(event, last.hash)]);
}

/** The event as it is stored. What was stored of a state is the JSON text of what is shown. */
export function rowOf(event: EventView, previousHash: string): EventRow {
  const { sequence, principal, operation, tenant, object, reason, before, after, hash } = event;
  return {
    ...{ sequence, principal, operation, tenant, object, reason, previousHash, hash },
    time: Date.parse(event.time),
    actingAs: event.acting_as,
    before: before && JSON.stringify(before),
    after: after && JSON.stringify(after),
    traceId: event.trace_id,
  };
}

const MOST_MARKS = 4_096;

/** Keeps every event while there are few, and every second, fourth, eighth … when there are many. */
function sparseMarks() {
  let marks: ChainPlace[] = [];
  let step = 1;
  let seen = 0;
  return {
    add(place: ChainPlace) {
      seen += 1;
      if (seen % step !== 0) return;
      marks.push(place);
      if (marks.length < MOST_MARKS) return;
      marks = marks.filter((_, i) => i % 2 === 1);
      step *= 2;
    },
    /** With the last one, whether it was kept or not. */
    all: (last: ChainPlace) => (marks.at(-1) === last || seen === 0 ? marks : [...marks, last]),
  };
}
