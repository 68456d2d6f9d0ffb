import Table from 'cli-table3';
import { invalid } from '../domain/errors.ts';
import { escapeInJson, escapeInYaml, isPrintable } from '../domain/text.ts';
import { shown, type Terminal } from './terminal.ts';

export const formats = ['table', 'json', 'yaml', 'csv', 'name'] as const;

export type Format = (typeof formats)[number];

export interface Column<Row> {
  readonly header: string;
  /** As people read it. */
  text(row: Row): string;
  /** As a spreadsheet reads it: base units; the text where that says it already. */
  value?(row: Row): string | number | null;
  /** What is of interest only to somebody who looks closely. */
  readonly isDim?: boolean;
  /** Is copied from there, so that it is never cut, however narrow the terminal is. */
  readonly isWhole?: boolean;
  /** What is wrong. */
  isAlarming?(row: Row): boolean;
}

/** Rows of one kind and how to show them. */
export interface Listing<Row> {
  readonly columns: readonly Column<Row>[];
  /** What `-o name` prints. */
  name(row: Row): string;
}

export function parseFormat(text: string): Format {
  const format = formats.find((known) => known === text);
  if (format !== undefined) return format;
  throw invalid(`There is no output format "${text}".`, `There are: ${formats.join(', ')}.`);
}

/** A document as JSON or YAML, whole; these two show what REST answers, field for field. */
export async function renderDocument(format: 'json' | 'yaml', document: unknown): Promise<string> {
  if (format === 'json') return escapeInJson(JSON.stringify(document, null, 2));
  const { Document, visit } = await import('yaml');
  const yaml = new Document(document, { aliasDuplicateObjects: false });
  // Only between double quotes can YAML write a character without showing it.
  visit(yaml, {
    Scalar: (_, scalar) => {
      const { value } = scalar;
      if (typeof value === 'string' && !isPrintable(value.replace(/[\n\t]/g, '')))
        scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return escapeInYaml(yaml.toString()).trimEnd();
}

/** Rows as lines, in any of the formats that go row by row. */
export async function renderRows<Row>(
  terminal: Terminal,
  format: Exclude<Format, 'json' | 'yaml'>,
  listing: Listing<Row>,
  rows: readonly Row[],
  isFirstPage: boolean,
): Promise<string[]> {
  if (format === 'name') return rows.map((row) => shown(listing.name(row)));
  if (format === 'csv') return renderCsv(listing, rows, isFirstPage);
  if (!terminal.isOutTerminal) {
    return rows.map((row) => listing.columns.map((column) => shown(column.text(row))).join('\t'));
  }
  return rows.length === 0 ? [] : renderTable(terminal, listing, rows);
}

async function renderCsv<Row>(
  { columns }: Listing<Row>,
  rows: readonly Row[],
  hasHeader: boolean,
): Promise<string[]> {
  const { stringify } = await import('csv-stringify/sync');
  const records = rows.map((row) =>
    columns.map(({ text, value = text }) => {
      const cell = value(row);
      return typeof cell === 'string' ? shown(cell) : cell;
    }),
  );
  const header = columns.map(({ header: title }) => title.toLowerCase().replaceAll(' ', '_'));
  // A cell that begins like a formula would be run by a spreadsheet.
  const text = stringify(hasHeader ? [header, ...records] : records, { escape_formulas: true });
  return text === '' ? [] : [text.trimEnd()];
}

const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

function renderTable<Row>(
  terminal: Terminal,
  { columns }: Listing<Row>,
  rows: readonly Row[],
): string[] {
  const { outColour } = terminal;
  const texts = rows.map((row) => columns.map((column) => shown(column.text(row))));
  const heads = columns.map(({ header }) => header);
  const colWidths = columnWidths(terminal.columns, columns, [heads, ...texts]);
  const table = plainTable({ colWidths, wordWrap: true });
  table.push(heads.map((head) => outColour.dim(head)));
  for (const [i, row] of rows.entries()) {
    table.push(
      columns.map((column, k) => {
        const text = texts[i]?.[k] ?? '';
        if (column.isAlarming?.(row) === true) return outColour.red(text);
        return column.isDim === true ? outColour.dim(text) : text;
      }),
    );
  }
  return linesOf(table);
}

/** A table without lines between its cells. */
export function plainTable(options: Table.TableConstructorOptions): Table.Table {
  // cli-table3 would paint heads and borders even into a pipe.
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  return new Table({ chars: plain, style, ...options });
}

export function linesOf(table: Table.Table): string[] {
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const GAP = 2;
const NARROWEST = 12;

/** Where the rows are wider than the terminal, the widest columns are wrapped; null is as wide as it is. */
function columnWidths(
  available: number,
  columns: readonly Pick<Column<unknown>, 'isWhole'>[],
  rows: readonly (readonly string[])[],
): (number | null)[] {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  let over = widths.reduce((sum, width) => sum + width + GAP, -GAP) - available;
  const wrapped = new Map<number, number>();
  const widestFirst = [...widths.entries()]
    .filter(([i]) => columns[i]?.isWhole !== true)
    .sort(([, a], [, b]) => b - a);
  for (const [i, width] of widestFirst) {
    if (over <= 0) break;
    // Only of the widest one a word may be cut: of any other it could be a name or an id.
    const words = wrapped.size === 0 ? [] : rows.flatMap((row) => row[i]?.split(' ') ?? []);
    const least = Math.max(NARROWEST, ...words.map((word) => word.length));
    const kept = Math.max(least, width - over);
    if (kept >= width) continue;
    wrapped.set(i, kept);
    over -= width - kept;
  }
  return widths.map((_, i) => wrapped.get(i) ?? null);
}

const BAR_WIDTH = 12;

/** A bar of how much is used, `███░░░`, for a terminal. */
export function bar(percent: number): string {
  const full = Math.min(BAR_WIDTH, Math.round((percent / 100) * BAR_WIDTH));
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}
