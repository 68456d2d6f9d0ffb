import { shown } from './terminal.ts';
import { cutTo, padTo, widthOf } from './text-width.ts';

export type Tone = 'plain' | 'strong' | 'dim' | 'warn' | 'alarm';

/** A part of a line that is painted in one way. */
export interface Piece {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Piece[];

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface FrameColumn<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Cell | string;
  /** Where there is no room for all, the column with the largest number goes first; 0 stays. */
  readonly rank: number;
  /** It may be cut to so many places. */
  readonly least?: number;
  readonly isRight?: boolean;
}

/** A part of the frame under a head of its own. */
export interface Section {
  readonly title: string;
  /** Said in place of rows where there are none. */
  readonly none: string;
  readonly count: number;
  /** Whether there are more than were read. */
  readonly hasMore: boolean;
  /** A head and so many rows, in so many columns. */
  lines(rows: number, width: number): Line[];
}

export function piece(text: string, tone: Tone = 'plain'): Piece {
  return { text: shown(text), tone };
}

export function sectionOf<Row>(
  of: Pick<Section, 'title' | 'none' | 'hasMore'>,
  columns: readonly FrameColumn<Row>[],
  all: readonly Row[],
): Section {
  const { title, none, hasMore } = of;
  return {
    ...of,
    count: all.length,
    lines(rows, width) {
      if (all.length === 0) {
        return [fitted([piece(title, 'strong'), piece(`  ${none}`, 'dim')], width)];
      }
      const isCut = rows < all.length || hasMore;
      const some = Math.min(rows, all.length);
      const part = isCut ? ` ${some} of ${all.length}${hasMore ? '+' : ''}` : '';
      return tableLines(title + part, columns, all.slice(0, rows), width);
    },
  };
}

export const GAP = 2;

/** A column with its texts, and how wide it may and must be. */
interface Measured {
  readonly column: Pick<FrameColumn<never>, 'rank' | 'isRight'>;
  readonly cells: readonly Piece[];
  readonly natural: number;
  readonly least: number;
}

function tableLines<Row>(
  title: string,
  columns: readonly FrameColumn<Row>[],
  rows: readonly Row[],
  width: number,
): Line[] {
  const all = columns.map((column, i) => measured(column, i === 0 ? title : column.head, rows));
  const kept = fitting(all, width);
  const widths = shared(kept, width);
  const count = rows.length + 1;
  return Array.from({ length: count }, (_, row) => {
    const pieces = kept.flatMap(({ cells, column }, i) => {
      const { text, tone } = cells[row] ?? piece('');
      const gap = i === 0 ? [] : [piece(' '.repeat(GAP))];
      return [...gap, { text: padTo(text, widths[i] ?? 0, column.isRight), tone }];
    });
    return fitted(pieces, width);
  });
}

function measured<Row>(column: FrameColumn<Row>, head: string, rows: readonly Row[]): Measured {
  const isTitle = column.head !== head;
  const cells = [
    piece(head, isTitle ? 'strong' : 'dim'),
    ...rows.map((row) => {
      const cell = column.cell(row);
      return typeof cell === 'string' ? piece(cell) : piece(cell.text, cell.tone);
    }),
  ];
  const natural = Math.max(...cells.map(({ text }) => widthOf(text)));
  return { column, cells, natural, least: Math.min(natural, column.least ?? natural) };
}

function widthOfAll(columns: readonly Measured[]): number {
  return columns.reduce((sum, { least }) => sum + least + GAP, -GAP);
}

/** The columns for which there is room; those of the lowest rank stay where there is for none. */
function fitting(columns: readonly Measured[], width: number): Measured[] {
  let kept = [...columns];
  while (widthOfAll(kept) > width) {
    const last = Math.max(...kept.map(({ column }) => column.rank));
    if (last === 0) return kept;
    kept = kept.filter(({ column }) => column.rank !== last);
  }
  return kept;
}

/** Each at its least, and what is left from the first on. */
function shared(columns: readonly Measured[], width: number): number[] {
  let left = width - widthOfAll(columns);
  return columns.map(({ natural, least }) => {
    const more = Math.max(0, Math.min(natural - least, left));
    left -= more;
    return least + more;
  });
}

/** No wider than there is room, and without space at its end. */
export function fitted(pieces: Line, width: number): Line {
  const line: Piece[] = [];
  let left = width;
  for (const { text, tone } of pieces) {
    if (left <= 0) break;
    const cut = cutTo(text, left);
    left -= widthOf(cut);
    line.push({ text: cut, tone });
  }
  for (let last = line.pop(); last !== undefined; last = line.pop()) {
    const text = last.text.trimEnd();
    if (text === '') continue;
    line.push({ ...last, text });
    break;
  }
  return line;
}

export function widthOfLine(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** One text at the left edge and one at the right one, as far as there is room. */
export function spread(left: Line, right: Piece, width: number): Line {
  const space = width - widthOfLine([...left, right]);
  if (space < GAP || !Number.isFinite(space)) return fitted(left, width);
  return fitted([...left, piece(' '.repeat(space)), right], width);
}

/** Parts are told apart by an empty line where the screen is as high as this. */
export const ROOMY = 20;
/** A screen that is not as high has no line for what is not there. */
const HIGH = 14;

/** One below the other, in so many lines: each gets its first rows before another gets more. */
export function stacked(
  sections: readonly Section[],
  { width, height, hasGaps }: { width: number; height: number; hasGaps: boolean },
): Line[] {
  const there = sections.filter(({ count }) => count > 0 || height >= HIGH);
  const gap = hasGaps ? 1 : 0;
  const rows = rowsOf(there, height - gap * (there.length - 1));
  const lines: Line[] = [];
  for (const [i, section] of there.entries()) {
    const some = rows[i];
    if (some === undefined) break;
    if (i > 0 && hasGaps) lines.push([]);
    lines.push(...section.lines(some, width));
  }
  return lines.slice(0, Math.max(0, height));
}

/** How many rows each of them gets below its head; those for which there is no room get none. */
function rowsOf(sections: readonly Section[], height: number): number[] {
  const rows: number[] = [];
  let left = height;
  for (const { count } of sections) {
    const least = Math.min(1, count);
    if (left < 1 + least) break;
    left -= 1 + least;
    rows.push(least);
  }
  for (let isGiven = true; left > 0 && isGiven;) {
    isGiven = false;
    for (const [i, given] of rows.entries()) {
      if (left === 0 || given >= (sections[i]?.count ?? 0)) continue;
      rows[i] = given + 1;
      left -= 1;
      isGiven = true;
    }
  }
  return rows;
}
