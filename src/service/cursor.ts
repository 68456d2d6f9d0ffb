import { invalid, type HodeiError } from '../domain/errors.ts';

/** Where a page ended: the order of the list, then the last row's place in it. */
export type Place = readonly (string | number)[];

export function encodeCursor(order: string, place: Place): string {
  return Buffer.from(JSON.stringify([order, ...place])).toString('base64url');
}

/**
 * The place that a cursor stands for, checked part by part against `types`.
 * @throws invalid when it is not a cursor of a list in this order.
 */
export function decodeCursor(
  order: string,
  cursor: string,
  types: readonly ('string' | 'number')[],
): Place {
  const parts = parse(cursor);
  const [of, ...place] = parts;
  const fits = place.length === types.length && place.every((part, i) => isA(types[i], part));
  if (of !== order || !fits) throw foreignCursor();
  return place;
}

/** A page, and the cursor of the one after it; null at the end. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** A page of `limit` rows out of one more, which tells whether there is a next page. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  order: string,
  placeOf: (last: Row) => Place,
): Page<Row> {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { rows: page, next: last === undefined ? null : encodeCursor(order, placeOf(last)) };
}

/** The number at which a page in this order begins; undefined for the first one. */
export function decodeNumber(order: string, cursor: string | undefined): number | undefined {
  return cursor === undefined ? undefined : Number(decodeCursor(order, cursor, ['number'])[0]);
}

export function foreignCursor(): HodeiError {
  return invalid(
    'The cursor does not belong to this list.',
    'Leave it out to begin at the first page.',
  );
}

function isA(type: 'string' | 'number' | undefined, part: string | number): boolean {
  return type === 'number' ? Number.isSafeInteger(part) : typeof part === type;
}

function parse(cursor: string): (string | number)[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts)) return parts as (string | number)[];
  } catch {
    // Not JSON: not a cursor, which the caller says.
  }
  return [];
}
