import type { ChalkInstance } from 'chalk';

/** What is drawn over a time: columns of equal length. */
export interface Chart {
  readonly points: readonly { readonly average: number; readonly peak: number }[];
  readonly limit: number | null;
  /** The height of the whole chart, such as a peak or a limit; more than 0. */
  readonly top: number;
  /** An amount as the axis has it. */
  readonly say: (amount: number) => string;
  /** What stands below the axis: at its begin and at its end. */
  readonly begin: string;
  readonly end: string;
}

export interface ChartPlace {
  readonly columns: number;
  readonly rows: number;
  readonly isUnicode: boolean;
  readonly colour: ChalkInstance;
}

interface Signs {
  /** From little to a whole row. */
  readonly levels: readonly string[];
  readonly peak: string;
  readonly limit: string;
  readonly side: string;
  readonly corner: string;
  readonly bottom: string;
}

const unicode: Signs = {
  levels: [...'▁▂▃▄▅▆▇█'],
  ...{ peak: '░', limit: '╌', side: '│', corner: '└', bottom: '─' },
};

/** Less than half a row is not drawn as one, but what is not nothing is. */
const ascii: Signs = {
  levels: ['.', '#'],
  ...{ peak: ':', limit: '-', side: '|', corner: '+', bottom: '-' },
};

/** The columns that a chart has room for beside its labels. */
export function chartWidth({ say, top }: Pick<Chart, 'say' | 'top'>, columns: number): number {
  return Math.max(1, columns - say(top).length - 2);
}

/** Lines of a chart that is no wider than the place: averages, above them peaks, and the limit. */
export function drawChart(chart: Chart, place: ChartPlace): string[] {
  const signs = place.isUnicode ? unicode : ascii;
  const labelWidth = chart.say(chart.top).length;
  const width = chartWidth(chart, place.columns);
  const spread = spreadOver(chart.points, width);
  const lines: string[] = [];
  for (let row = place.rows - 1; row >= 0; row -= 1) {
    const label = labelOf(chart, row, place.rows).padStart(labelWidth);
    const cells = spread.map((point) => cellOf(chart, point, row, place, signs));
    lines.push(`${label} ${signs.side}${cells.join('')}`);
  }
  lines.push(`${'0'.padStart(labelWidth)} ${signs.corner}${signs.bottom.repeat(spread.length)}`);
  lines.push(axisOf(chart, labelWidth + 2, spread.length));
  return lines.map((line) => line.trimEnd());
}

/** Each point over as many columns as there is room for: of few points each is wide. */
function spreadOver<Point>(points: readonly Point[], width: number): readonly Point[] {
  const each = Math.max(1, Math.floor(width / Math.max(1, points.length)));
  return points.flatMap((point) => Array.from({ length: each }, () => point)).slice(0, width);
}

/** The top has its amount, and the limit where it is lower. */
function labelOf({ top, limit, say }: Chart, row: number, rows: number): string {
  if (limit !== null && row === rowOf(limit, top, rows)) return say(limit);
  return row === rows - 1 && (limit === null || limit < top) ? say(top) : '';
}

/** In which row an amount ends. */
function rowOf(amount: number, top: number, rows: number): number {
  return Math.max(0, Math.ceil((amount / top) * rows) - 1);
}

function cellOf(
  { top, limit }: Chart,
  { average, peak }: Chart['points'][number],
  row: number,
  { rows, colour }: ChartPlace,
  { levels, ...signs }: Signs,
): string {
  const isOver = limit !== null && peak > limit && row > rowOf(limit, top, rows);
  const filled = (average / top) * rows - row;
  if (average > 0 && filled > 0) {
    const level = Math.ceil(Math.min(1, filled) * levels.length) - 1;
    const sign = levels[level] ?? '';
    return isOver ? colour.red(sign) : colour.cyan(sign);
  }
  if (peak > 0 && row <= rowOf(peak, top, rows)) {
    return isOver ? colour.red(signs.peak) : colour.dim(signs.peak);
  }
  return limit !== null && row === rowOf(limit, top, rows) ? colour.yellow(signs.limit) : ' ';
}

/** Both times where they fit, else the first one. */
function axisOf({ begin, end }: Chart, indent: number, width: number): string {
  const gap = width - begin.length - end.length;
  const text = gap > 0 ? `${begin}${' '.repeat(gap)}${end}` : begin.slice(0, width);
  return ' '.repeat(indent) + text;
}
