import { scopeText } from '../domain/ceiling.ts';
import { formatAmount, splitAmount } from '../domain/quantity.ts';
import { dimensionOf, spokenName } from '../domain/resource.ts';
import type { UsageHistory } from '../service/usage-history.ts';
import type { Listing } from './render.ts';
import { shown, type Terminal } from './terminal.ts';
import { drawChart } from './usage-chart.ts';
import { sayTime } from './words.ts';

type Point = UsageHistory['points'][number];

/** For programs: times and base units as they are. */
export const historyListing: Listing<Point> = {
  name: ({ begins_at: begins }) => begins,
  columns: [
    { header: 'BEGINS AT', text: ({ begins_at: begins }) => begins },
    { header: 'AVERAGE', text: ({ average }) => String(average), value: ({ average }) => average },
    { header: 'PEAK', text: ({ peak }) => String(peak), value: ({ peak }) => peak },
  ],
};

/** The labels of the axis need no more than the rest of the line. */
const LONGEST_LABEL = 8;
/** `11.6K` of the unit, where all its digits would be too long. */
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const LEAST_POINTS = 10;
const MOST_POINTS = 240;
const CHART_ROWS = 8;

/** One column for each point, if there is room. */
export function pointsFor(columns: number): number {
  return Math.min(MOST_POINTS, Math.max(LEAST_POINTS, columns - LONGEST_LABEL - 2));
}

export function historyLines(terminal: Terminal, history: UsageHistory): string[] {
  const words = [
    ...headLines(history),
    ...numberLines(history),
    ...(history.limit === null || isLimitDrawn(history)
      ? []
      : ['The limit is far above the chart.']),
  ];
  const texts = words.map((line) => cut(shown(line), terminal));
  return history.peak === 0 ? texts : [...texts, '', ...chartLines(terminal, history)];
}

function cut(text: string, { columns, isUnicode }: Terminal): string {
  if (text.length <= columns) return text;
  const end = isUnicode ? '…' : '...';
  return text.slice(0, columns - end.length) + end;
}

function headLines(history: UsageHistory): string[] {
  const { tenant, pool, resource, limit, from, to } = history;
  const who = tenant === null && pool === null ? 'everybody' : scopeText({ tenant, pool });
  const most = limit === null ? '' : `, limit ${say(limit, history)}`;
  return [`${who}: ${spokenName(resource)}${most}`, `${sayTime(from)} to ${sayTime(to)}`];
}

function numberLines(history: UsageHistory): string[] {
  if (history.peak === 0) return ['Nothing was used in that time.'];
  const { average, p95, peak, peak_at: at, unit_hours: hours } = history;
  const about = history.from_hourly_averages ? ' (hours)' : '';
  const rows = [
    ['average', say(average, history), sayShare(history.average_share)],
    [`p95${about}`, say(p95, history), sayShare(history.p95_share)],
    [`peak${about}`, say(peak, history), sayShare(history.peak_share)],
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  return [
    ...lines.map((line) => line.trimEnd()),
    `at most first on ${at === null ? '' : sayTime(at)}`,
    `${hours.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${hoursOf(history)}`,
  ];
}

function sayShare(share: number | null): string {
  return share === null ? '' : `${Math.round(share * 100)} %`;
}

function hoursOf({ resource, unit }: UsageHistory): string {
  const dimension = dimensionOf({ unit });
  if (dimension === 'cpu') return 'core-hours';
  if (dimension === 'memory') return 'GiB-hours';
  return `${resource === 'jobs' ? 'job' : resource}-hours`;
}

/** An average to a whole millicore or MiB, of what is counted to the hundredth. */
function toShown(amount: number, unit: string): number {
  return dimensionOf({ unit }) === 'count' ? Number(amount.toFixed(2)) : Math.round(amount);
}

function say(amount: number, { resource, unit }: UsageHistory): string {
  return formatAmount(toShown(amount, unit), { name: resource, unit });
}

/** A limit so far above the peak would leave nothing of the chart to be seen. */
const DRAWN_UP_TO = 3;

function isLimitDrawn({ limit, peak }: UsageHistory): boolean {
  return limit !== null && limit > 0 && limit <= peak * DRAWN_UP_TO;
}

function chartLines(terminal: Terminal, history: UsageHistory): string[] {
  const { columns, isUnicode, outColour: colour } = terminal;
  const limit = isLimitDrawn(history) ? history.limit : null;
  const top = Math.max(history.peak, limit ?? 0);
  const named = { name: history.resource, unit: history.unit };
  const { unit } = splitAmount(toShown(top, history.unit), named);
  const axis = (amount: number) => {
    const { number } = splitAmount(toShown(amount, history.unit), named, unit);
    return number.length > LONGEST_LABEL ? compact.format(Number(number)) : number;
  };
  const chart = { points: history.points, limit, top, say: axis };
  const times = { begin: sayShort(history.from), end: sayShort(history.to) };
  const [full, light, line] = isUnicode ? ['█', '░', '╌'] : ['#', ':', '-'];
  const legend = [`${full} average`, `${light} peak`, ...(limit === null ? [] : [`${line} limit`])];
  const place = { columns, rows: CHART_ROWS, isUnicode, colour };
  return [...drawChart({ ...chart, ...times }, place), colour.dim(legend.join('  '))];
}

/** A time without its year. */
function sayShort(instant: string): string {
  return sayTime(instant).slice(5);
}

export function sayRemoved({ exact_from: exact }: UsageHistory): string {
  return (
    `Note: jobs that ended before ${sayTime(exact)} were removed; ` +
    'until then peak and p95 come from averages of hours.'
  );
}
