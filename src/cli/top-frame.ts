import type { ChalkInstance } from 'chalk';
import {
  fitted,
  GAP,
  piece,
  ROOMY,
  spread,
  stacked,
  widthOfLine,
  type Line,
  type Tone,
} from './frame.ts';
import { shown } from './terminal.ts';
import { cutTo } from './text-width.ts';
import type { TopData } from './top-data.ts';
import { topSections } from './top-sections.ts';
import { count } from './words.ts';

/** What a frame shows. */
export interface TopView {
  readonly data: TopData;
  /** Where it was read: the path of the file, or the URL. */
  readonly place: string;
  readonly pool: string | undefined;
  readonly now: number;
  /** How it goes on, such as `every 2 s, q quits`; '' where it does not. */
  readonly aside: string;
  /** Why there is nothing newer. */
  readonly problem: string | undefined;
}

/** A screen with fewer lines has none to say what all of it comes to. */
const HIGH_ENOUGH_TO_SUM_UP = 10;

/** Of a place at least so much is shown, or nothing. */
const SHORTEST_PLACE = 12;

/** What there is to see, in no more lines and columns than there are. */
export function topFrame(view: TopView, size: { width: number; height: number }): Line[] {
  const { width, height } = size;
  const heads = [headLine(view, width)];
  if (view.problem !== undefined) heads.push(fitted([piece(view.problem, 'alarm')], width));
  else if (height >= HIGH_ENOUGH_TO_SUM_UP) heads.push(fitted([piece(sayAll(view.data))], width));
  const sections = topSections(view.data, view.now, view.pool);
  const hasGaps = height >= ROOMY;
  if (hasGaps) heads.push([]);
  const below = stacked(sections, { width, height: height - heads.length, hasGaps });
  return [...heads, ...below].slice(0, Math.max(0, height));
}

function headLine({ data, place, aside }: TopView, width: number): Line {
  const time = new Date(data.as_of);
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  const left = [piece('hodei top  ', 'strong'), piece(clock)];
  const right = piece(aside, 'dim');
  const beside = width - widthOfLine([...left, right]) - 2 * GAP;
  // How it goes on is worth more than a place of which next to nothing could be read.
  if (aside !== '' && beside < SHORTEST_PLACE) return spread(left, right, width);
  const where = piece(`  ${cutTo(shown(place), beside)}`, 'dim');
  return spread([...left, where], right, width);
}

/** `14 jobs run, 3 wait, 1 burst is active`; of what is not shown it says nothing. */
function sayAll({ pools, queues, bursts }: TopData): string {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const run = sum((pools ?? []).map(({ jobs }) => jobs));
  const wait = sum((queues ?? []).map(({ waiting }) => waiting));
  const active = bursts?.length ?? 0;
  const parts = [
    ...(pools === null ? [] : [`${count(run, 'job')} ${run === 1 ? 'runs' : 'run'}`]),
    ...(queues === null
      ? []
      : [`${wait.toLocaleString('en-US')} ${wait === 1 ? 'waits' : 'wait'}`]),
    ...(active === 0 ? [] : [`${count(active, 'burst')} ${active === 1 ? 'is' : 'are'} active`]),
  ];
  return parts.join(', ');
}

const paints: Readonly<Record<Tone, (chalk: ChalkInstance, text: string) => string>> = {
  plain: (_, text) => text,
  strong: (chalk, text) => chalk.bold(text),
  dim: (chalk, text) => chalk.dim(text),
  warn: (chalk, text) => chalk.yellow(text),
  alarm: (chalk, text) => chalk.red(text),
};

export function painted(line: Line, chalk: ChalkInstance): string {
  return line.map(({ text, tone }) => paints[tone](chalk, text)).join('');
}
