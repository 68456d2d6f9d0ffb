import { formatCents } from '../domain/money.ts';
import { spokenName } from '../domain/resource.ts';
import type { CostReport } from '../service/cost-rows.ts';
import { barOf, sparkline, squeezed } from './chart.ts';
import { resourcesOf, sayGroup, sayRow, sayShare } from './cost-words.ts';
import { linesOf, plainTable } from './render.ts';
import { shown, type Terminal } from './terminal.ts';
import { widthOf } from './text-width.ts';
import { count } from './words.ts';

/** A line of the table. */
interface Line {
  readonly name: string;
  readonly cost: number;
  readonly periods: readonly number[];
  /** Of several rows that are not shown, or of all. */
  readonly isSum?: boolean;
  /** In the order of the columns; undefined where nobody knows. */
  readonly parts: readonly (number | undefined)[];
}

interface Column {
  readonly header: string;
  readonly width: number;
  readonly isNumber: boolean;
  text(line: Line): string;
}

const GAP = 2;
/** From so many columns on there is room for each resource. */
const WIDE = 120;
const NAME_LEAST = 12;
const BAR_LEAST = 6;
const BAR_MOST = 40;
const SPARK_LEAST = 8;

/** The report as a person reads it, never wider than the terminal. @param past periods that have begun */
export function costTable(
  terminal: Terminal,
  report: CostReport,
  by: string | undefined,
  past: number,
): string[] {
  const resources = terminal.columns < WIDE ? [] : pricedIn(report);
  const lines = linesOfReport(report, resources, past);
  const total = totalOf(report, lines, past);
  const numbers = numberColumns(report, resources, [...lines, total]);
  const names = [...lines, total].map(({ name }) => widthOf(name));
  const header = shown(sayGroup(report.group));
  const charts = { points: past, label: by === undefined ? '' : `BY ${by.toUpperCase()}` };
  const fixed = numbers.reduce((sum, { width }) => sum + GAP + width, 0);
  const room = roomFor(terminal.columns - fixed, Math.max(header.length, ...names), charts);
  // What is left out would dwarf what is shown.
  const most = Math.max(0, ...report.rows.map(({ cost_micro: cost }) => cost));
  const columns: Column[] = [
    { header, width: room.name, isNumber: false, text: ({ name }) => name },
    ...numbers,
    ...chartColumns(terminal, room, charts.label, most),
  ];
  return render(terminal, columns, lines, total);
}

/** What has no price has no column. */
function pricedIn(report: CostReport): string[] {
  return resourcesOf(report).filter((name) =>
    report.rows.some(({ resources }) => (resources[name]?.cost_micro ?? 0) !== 0),
  );
}

/** A line for each row, then one for those that are left out. */
function linesOfReport(report: CostReport, resources: readonly string[], past: number): Line[] {
  const { rows, group, rows_in_all: all, total_micro: total, periods } = report;
  const lines = rows.map((row) => ({
    name: shown(sayRow(row, group)),
    cost: row.cost_micro,
    periods: row.periods.slice(0, past),
    parts: resources.map((name) => row.resources[name]?.cost_micro ?? 0),
  }));
  // In a tree the rows count in one another, so that no difference is that of the others.
  const isTree = rows.some(({ depth }) => depth !== undefined);
  if (all === rows.length || isTree) return lines;
  const left = (sum: number, part: (line: Line) => number) =>
    Math.max(
      0,
      lines.reduce((rest, line) => rest - part(line), sum),
    );
  const others = {
    name: `(${count(all - rows.length, 'other')})`,
    isSum: true,
    cost: left(total, ({ cost }) => cost),
    periods: periods
      .slice(0, past)
      .map(({ cost_micro: cost }, i) => left(cost, (line) => line.periods[i] ?? 0)),
    parts: resources.map(() => undefined),
  };
  return [...lines, others];
}

function totalOf({ total_micro: cost, periods, rows }: CostReport, lines: Line[], past: number) {
  const isSum = rows.every(({ depth }) => depth === undefined || depth === 0);
  const sum = (i: number) =>
    lines.reduce<number | undefined>((all, { parts }) => {
      const part = parts[i];
      return all === undefined || part === undefined ? undefined : all + part;
    }, 0);
  const known = lines[0]?.parts ?? [];
  return {
    name: 'total',
    isSum: true,
    cost,
    periods: periods.slice(0, past).map(({ cost_micro: each }) => each),
    parts: known.map((_, i) => (isSum ? sum(i) : undefined)),
  };
}

/** The columns that are as wide as what stands in them. */
function numberColumns(
  { currency, total_micro: total }: CostReport,
  resources: readonly string[],
  lines: readonly Line[],
): Column[] {
  const numbers = [
    { header: currency, text: ({ cost }: Line) => sayCost(cost) },
    { header: 'SHARE', text: ({ cost }: Line) => sayShare(cost, total) },
    ...resources.map((name, i) => ({
      header: spokenName(name).toUpperCase(),
      text: ({ parts }: Line) => sayPart(parts[i]),
    })),
  ];
  return numbers.map(({ header, text }) => {
    const width = Math.max(header.length, ...lines.map((line) => text(line).length));
    return { header: shown(header), text, width, isNumber: true };
  });
}

/** What is not nothing is never said as nothing. */
function sayCost(micros: number): string {
  const text = formatCents(micros);
  return micros > 0 && text === '0.00' ? '<0.01' : text;
}

function sayPart(micros: number | undefined): string {
  return micros === undefined ? '' : sayCost(micros);
}

interface Charts {
  /** A sparkline has so many; 0: there is none. */
  readonly points: number;
  readonly label: string;
}

interface Room {
  readonly name: number;
  /** 0: there is no room for it. */
  readonly bar: number;
  readonly spark: number;
}

/** Shares what the numbers leave: the name gives way to one chart, the bar to the sparkline. */
function roomFor(columns: number, longest: number, { points, label }: Charts): Room {
  const whole = points === 0 ? 0 : Math.max(points, label.length);
  const least = GAP + (points === 0 ? BAR_LEAST : Math.min(whole, SPARK_LEAST));
  const name = Math.min(longest, Math.max(NAME_LEAST, columns - least));
  const left = columns - name - GAP;
  if (points === 0) return { name, spark: 0, bar: atLeast(BAR_LEAST, Math.min(left, BAR_MOST)) };
  const beside = left - GAP - BAR_LEAST;
  const spark = Math.min(whole, beside >= SPARK_LEAST ? beside : left);
  const bar = Math.min(left - spark - GAP, BAR_MOST);
  return { name, spark: atLeast(label.length, spark), bar: atLeast(BAR_LEAST, bar) };
}

function atLeast(least: number, width: number): number {
  return width >= least ? width : 0;
}

function chartColumns(
  { isUnicode }: Terminal,
  { bar, spark }: Room,
  label: string,
  most: number,
): Column[] {
  const bars: Column = {
    header: '',
    width: bar,
    isNumber: false,
    text: ({ cost, isSum = false }) => (isSum ? '' : barOf(cost, most, bar, isUnicode)),
  };
  const sparks: Column = {
    header: label,
    width: spark,
    isNumber: false,
    text: ({ periods }) => sparkline(squeezed(periods, spark), isUnicode),
  };
  return [bars, sparks].filter(({ width }) => width > 0);
}

function render(
  { outColour, isUnicode }: Terminal,
  columns: readonly Column[],
  lines: readonly Line[],
  total: Line,
): string[] {
  const table = plainTable({
    // The gap before a column is not part of it.
    colWidths: columns.map(({ width }) => width),
    colAligns: columns.map(({ isNumber }) => (isNumber ? 'right' : 'left')),
    truncate: isUnicode ? '…' : '~',
  });
  const cells = (line: Line) => columns.map(({ text }) => text(line));
  table.push(columns.map(({ header }) => outColour.dim(header)));
  for (const line of lines) table.push(cells(line));
  table.push(cells(total).map((text) => outColour.bold(text)));
  return linesOf(table);
}
