import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { escapeInJson } from '../../domain/text.ts';
import type { FollowedView } from '../../service/event-page.ts';
import { auditListing, sayEvent } from '../event-words.ts';
import { Exit } from '../exit-codes.ts';
import { stoppedCode, watchStop } from '../job-wait.ts';
import { renderDocument, renderRows } from '../render.ts';
import type { Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { asVerb, collect, toWholeNumber, type Cli } from '../verb.ts';

interface WatchFlags {
  readonly tenant?: string;
  readonly pool?: string;
  readonly kind?: string[];
  readonly after?: number;
  readonly count?: number;
}

export function register(cli: Cli, command: Command): void {
  asVerb<WatchFlags>(
    cli,
    command,
    {
      examples: ['watch --tenant acme --kind job', 'watch --after 0 -n 100 --json'],
      flags: (watch) =>
        watch
          .option('--tenant <tenant>', 'only events of this tenant; of a deleted one by its id')
          .option('--pool <pool>', 'only events about this pool')
          .option('--kind <noun>', 'such as job, or job.promote; it may be repeated', collect)
          .option('--after <number>', 'begin behind this event; 0 for the first', toWholeNumber)
          .option('-n, --count <number>', 'end after so many events', toWholeNumber),
    },
    async (run, _, flags) => watch(run, flags),
  );
}

/** Prints events as they come, until there were enough or somebody says stop. */
async function watch(run: Run, { count, ...wanted }: WatchFlags): Promise<void> {
  if (count === 0) throw invalid('-n 0 would show nothing.', 'It is 1 or more.');
  const { stop, forget } = watchStop(run.host);
  const printer = printerOf(run);
  try {
    for await (const event of eventsOf(run, wanted, stop)) {
      await printer.print(event);
      if (printer.printed() === count) return;
    }
    throw new Exit(stoppedCode(stop));
  } finally {
    forget();
  }
}

/** The events that are asked for; says once when the connection broke off, and once when it is back. */
async function* eventsOf(
  run: Run,
  { tenant, pool, kind, after }: WatchFlags,
  stop: AbortSignal,
): AsyncGenerator<FollowedView> {
  let [isOpen, wasOpen] = [false, false];
  for await (const news of run.follow({ tenant, pool, kind, after }, stop)) {
    if (news.kind === 'event') yield news.event;
    else if (news.kind === 'open') {
      if (wasOpen && !isOpen) run.terminal.err('hodei: connected again; nothing was missed');
      [isOpen, wasOpen] = [true, true];
    } else {
      // Who has never reached it has perhaps named the wrong place.
      if (!wasOpen) throw news.error;
      if (isOpen) run.terminal.err(`hodei: ${shown(news.error.message)} Trying again.`);
      isOpen = false;
    }
  }
}

function printerOf(run: Run) {
  const { terminal, format } = run;
  const { out, outColour } = terminal;
  let printed = 0;
  const linesOf = async (event: FollowedView) => {
    if (format === 'json') return [escapeInJson(JSON.stringify(event))];
    if (format === 'yaml') return ['---', await renderDocument('yaml', event)];
    if (format !== 'table' || !terminal.isOutTerminal) {
      return renderRows(terminal, format, auditListing, [event], printed === 0);
    }
    const [time = '', who = '', what = '', why = ''] = sayEvent(event).map(shown);
    return [`${outColour.dim(time)}  ${who}  ${what}  ${outColour.dim(why)}`.trimEnd()];
  };
  return {
    async print(event: FollowedView) {
      for (const line of await linesOf(event)) out(line);
      printed += 1;
    },
    printed: () => printed,
  };
}
