import type { Divergence } from '../service/audit-comparison.ts';
import { isFault, type AuditFile, type FileFault } from '../service/audit-file.ts';
import type { Followed } from '../service/event-chain.ts';
import type { ChainBreak, ChainPlace } from '../service/event-log.ts';
import { sayBreak, sayHead, sayNumber, sayWhy } from './chain-words.ts';
import type { Listing } from './render.ts';
import { count, sayTime } from './words.ts';

/** What came of following the chain of a database. */
export function sayChain({ last, broken }: Followed): string {
  if (broken !== undefined) {
    const sound =
      last.sequence === 0 ? '' : ` The ${count(last.sequence, 'event')} before it are in order.`;
    return `The chain is ${sayBreak(broken)}.${sound}`;
  }
  if (last.sequence === 0) return 'There are no events.';
  return `${sayEvents(last.sequence, 1, last)} one unbroken chain. Head ${sayHead(last)}`;
}

function sayEvents(number: number, first: number, { sequence }: ChainPlace): string {
  if (number === 1) return `1 event, number ${sayNumber(first)}, is`;
  return `${count(number, 'event')}, from ${sayNumber(first)} to ${sayNumber(sequence)}, are`;
}

/** An export that is whole. */
export function sayFile(
  name: string,
  { events, from, last, exportedAt, place }: AuditFile,
): string {
  const made = `exported ${sayTime(exportedAt)} from ${place}`;
  if (events === 0) return `${name}: whole, without any event, ${made}.`;
  const said = sayEvents(events, from.sequence + 1, last);
  return `${name}: ${said} one unbroken chain, ${made}.`;
}

/** What is wrong with an export itself. */
export function sayFault(name: string, { line, problem, broken }: FileFault): string {
  const where = `${name}, line ${line.toLocaleString('en-US')}: `;
  if (broken === undefined)
    return `${where}${problem}. The export is not as it was written; the database was not looked at.`;
  const number = sayNumber(broken.sequence);
  const before = sayNumber(broken.sequence - 1);
  const why =
    broken.why === 'changed'
      ? `event ${number}, or ${before} before it, was changed`
      : sayWhy(broken);
  return `${where}${why}. The export is not as it was written; the database was not looked at.`;
}

/** Whether a database still has the events of an export that is whole. */
export function sayDivergence(
  { from, head, last }: AuditFile,
  divergence: Divergence | undefined,
): string {
  if (divergence === undefined) return 'The database has every event of the export, unchanged.';
  const { why, agreed, differs } = divergence;
  const end = (head ?? last).sequence;
  const same = agreed <= from.sequence ? 'none' : `those up to ${sayNumber(agreed)}`;
  const between =
    differs - agreed === 1
      ? sayNumber(differs)
      : `${sayNumber(agreed + 1)} to ${sayNumber(differs)}`;
  const what =
    why === 'missing'
      ? `events are gone from the database: it does not have ${between} any more`
      : `the database has other events in their place, beginning with ${between}`;
  return (
    `The export is whole, and ${what}. Of the events up to ${sayNumber(end)} it still has ${same}. ` +
    'A restore leaves that behind too: hodei audit list --operation db.restore'
  );
}

interface DocumentPlace {
  readonly sequence: number;
  readonly hash: string;
}

interface VerificationDocument {
  readonly sound: boolean;
  readonly database?: {
    readonly events: number;
    readonly head: DocumentPlace;
    readonly broken_at: number | null;
    readonly why: ChainBreak['why'] | null;
  };
  readonly file?: Readonly<Record<string, unknown>>;
}

export function followedDocument({ last, broken }: Followed) {
  return {
    events: last.sequence,
    head: last,
    broken_at: broken?.sequence ?? null,
    why: broken?.why ?? null,
  };
}

export function fileDocument(
  name: string,
  read: AuditFile | FileFault,
  divergence: Divergence | undefined,
): Readonly<Record<string, unknown>> {
  if (isFault(read)) {
    const { line, problem, broken } = read;
    return { name, line, problem, broken_at: broken?.sequence ?? null, why: broken?.why ?? null };
  }
  const { events, from, last, head, place, exportedAt } = read;
  return {
    ...{ name, events, first: from.sequence + 1, last, head, place, exported_at: exportedAt },
    differs: divergence ?? null,
  };
}

/** In one row, for what is no person. */
export const verificationListing: Listing<VerificationDocument> = {
  name: ({ database }) => (database === undefined ? '-' : sayHead(database.head)),
  columns: [
    { header: 'SOUND', text: ({ sound }) => String(sound) },
    { header: 'EVENTS', text: ({ database }) => String(database?.events ?? '') },
    { header: 'HEAD', text: ({ database }) => database?.head.hash ?? '' },
    { header: 'BROKEN AT', text: ({ database }) => String(database?.broken_at ?? '') },
    { header: 'WHY', text: ({ database }) => database?.why ?? '' },
  ],
};
