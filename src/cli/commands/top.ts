import type { Command } from 'commander';
import { parseDuration, formatDuration } from '../../domain/duration.ts';
import { invalid, isPassing, type HodeiError } from '../../domain/errors.ts';
import { Exit } from '../exit-codes.ts';
import { eitherOf, stoppedCode, watchStop } from '../job-wait.ts';
import { renderDocument } from '../render.ts';
import type { Run } from '../run.ts';
import type { Screen, ScreenEvents } from '../screen.ts';
import { readTop, type TopData, type TopFilter } from '../top-data.ts';
import { painted, topFrame, type TopView } from '../top-frame.ts';
import { asVerb, type Cli } from '../verb.ts';

interface TopFlags extends TopFilter {
  readonly interval?: number;
  readonly once?: boolean;
}

const USUAL_INTERVAL_S = 2;
const LONGEST_INTERVAL_S = 86_400;

/** What is slow to read is read more seldom, so that it takes no more than a fifth of the time. */
const REST = 4;

const HELP = `
It takes the whole terminal until q or Ctrl-C; space looks at once. Shares are of the pools together or,
with --pool, of that one; LIMIT is the limit of the tenant of which least is left. Where the output is no
terminal, and with --once, it is printed once.`;

export function register(cli: Cli, command: Command): void {
  asVerb<TopFlags>(
    cli,
    command,
    {
      examples: ['top', 'top --pool gpu --interval 10s', 'top --tenant eng --once', 'top --json'],
      flags: (top) =>
        top
          .option('--tenant <tenant>', 'only this tenant, and those below it')
          .option('--pool <pool>', 'only this pool')
          .option('--interval <duration>', 'look so often; else every 2s', toInterval)
          .option('--once', 'print it once, and end')
          .addHelpText('after', HELP),
    },
    async (run, _, flags) => (isLive(run, flags) ? live(run, flags) : once(run, flags)),
  );
}

function toInterval(text: string): number {
  const seconds = parseDuration(text);
  if (seconds <= LONGEST_INTERVAL_S) return seconds;
  throw invalid(`${text} is too long to wait for a frame.`, 'The longest is 1d.');
}

function isLive({ format, terminal }: Run, { once: isOnce }: TopFlags): boolean {
  return format === 'table' && isOnce !== true && terminal.hasScreen;
}

const asMuchAsThereIs = { width: Infinity, height: Infinity };

async function once(run: Run, { tenant, pool }: TopFlags): Promise<void> {
  const { format, terminal, host } = run;
  if (format === 'csv' || format === 'name') {
    throw invalid(`It is of several kinds of things, and never ${format}.`, 'Say -o json.');
  }
  const now = host.time.now();
  const data = await readTop(run.call, { tenant, pool }, now);
  if (format !== 'table') {
    terminal.out(await renderDocument(format, data));
    return;
  }
  const view = { data, pool, now, place: await run.place(), aside: '', problem: undefined };
  const width = terminal.isOutTerminal ? terminal.columns : Infinity;
  for (const line of topFrame(view, { ...asMuchAsThereIs, width })) {
    terminal.out(painted(line, terminal.outColour));
  }
}

/** Shows it again and again until somebody says stop. */
async function live(run: Run, flags: TopFlags): Promise<void> {
  run.beQuiet();
  const { stop, forget } = watchStop(run.host);
  const watch = watcher(stop);
  try {
    // What is wrong from the beginning is said without taking the terminal over.
    const first = await watch.unlessStopped(read(run, flags));
    if (first !== undefined) await follow(run, flags, watch, first);
    if (stop.aborted) throw new Exit(stoppedCode(stop));
  } finally {
    forget();
  }
}

interface Reading {
  readonly data: TopData;
  /** How long it took, in milliseconds. */
  readonly took: number;
}

async function read({ host, call }: Run, { tenant, pool }: TopFlags): Promise<Reading> {
  const begun = host.time.passed();
  const data = await readTop(call, { tenant, pool }, host.time.now());
  return { data, took: host.time.passed() - begun };
}

/** Waits for what is read, for keys, and for whoever says stop. */
function watcher(stop: AbortSignal) {
  const left = new AbortController();
  const over = AbortSignal.any([stop, left.signal]);
  let wake = () => {};
  return {
    over,
    quit: () => left.abort(),
    wake: () => wake(),
    woken: () => new Promise<void>((resolve) => (wake = resolve)),
    /** @returns undefined where somebody did not want to wait for it. */
    async unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
      const ended = new Promise<undefined>((resolve) => {
        if (over.aborted) resolve(undefined);
        else over.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      // Nobody asks any longer what becomes of it then.
      work.catch(() => undefined);
      return Promise.race([work, ended]);
    },
  };
}

type Watcher = ReturnType<typeof watcher>;

async function follow(run: Run, flags: TopFlags, watch: Watcher, first: Reading): Promise<void> {
  const { host, terminal } = run;
  const seconds = flags.interval ?? USUAL_INTERVAL_S;
  const aside = `every ${formatDuration(seconds)}, q quits`;
  const place = await run.place();
  let [reading, problem]: [Reading, HodeiError | undefined] = [first, undefined];
  const draw = () => {
    const message = problem === undefined ? undefined : `Trying again: ${problem.message}`;
    const now = host.time.now();
    show(run, screen, {
      ...{ place, aside, now, pool: flags.pool, data: reading.data, problem: message },
    });
  };
  const events: ScreenEvents = {
    key: (letter) => (letter.toLowerCase() === 'q' ? watch.quit() : watch.wake()),
    redraw: () => draw(),
    gone: watch.quit,
  };
  const screen = await terminal.openScreen(events);
  try {
    while (!watch.over.aborted) {
      draw();
      const rest = Math.max(seconds * 1000, REST * reading.took);
      await eitherOf(watch.woken(), host.time, rest, watch.over);
      try {
        reading = (await watch.unlessStopped(read(run, flags))) ?? reading;
        problem = undefined;
      } catch (error) {
        if (!isPassing(error)) throw error;
        problem = error;
      }
    }
  } finally {
    screen.close();
  }
}

function show({ terminal }: Run, screen: Screen, view: TopView): void {
  const { columns, rows } = screen.size();
  // What clears the end of a line would take the last letter of one that fills it.
  const lines = topFrame(view, { width: columns - 1, height: rows });
  screen.show(lines.map((line) => painted(line, terminal.outColour)));
}
