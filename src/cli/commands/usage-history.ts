import type { Command } from 'commander';
import { resourceOfWord } from '../../domain/resource.ts';
import { usageHistory } from '../../service/usage-history.ts';
import { toInstantByUtc } from '../instant.ts';
import { note, print } from '../run.ts';
import { historyLines, historyListing, pointsFor, sayRemoved } from '../usage-history-words.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';

interface HistoryFlags {
  readonly resource?: string;
  readonly pool?: string;
  readonly last?: string;
  readonly month?: string;
  readonly from?: string;
  readonly to?: string;
  readonly points?: number;
}

export function addHistory(cli: Cli, noun: Command): void {
  addVerb<HistoryFlags>(
    cli,
    noun,
    {
      usage: 'history [tenant]',
      summary: 'how much was used over a time, with all below it; without a name by everybody',
      examples: [
        'usage history acme',
        'usage history acme --resource memory --last 30d',
        'usage history --resource gpu --pool gpu --month 2026-11 -o csv',
      ],
      flags: withHistoryFlags,
    },
    async (run, [name], flags) => {
      const { terminal, format } = run;
      const isShown = format === 'table' && terminal.isOutTerminal;
      const points = flags.points ?? (isShown ? pointsFor(terminal.columns) : undefined);
      const history = await run.call(usageHistory, {
        ...askedBy(flags),
        ...(points !== undefined && { points }),
        ...(name !== undefined && { tenant: String(name) }),
      });
      if (isShown) for (const line of historyLines(terminal, history)) terminal.out(line);
      else await print(run, { document: history, rows: history.points, listing: historyListing });
      if (history.from_hourly_averages && format === 'table') note(run, sayRemoved(history));
    },
  );
}

function withHistoryFlags(command: Command): Command {
  return command
    .option('--resource <name>', 'what was used, such as memory; else cpu', resourceOfWord)
    .option('--pool <pool>', 'only what was used in this pool')
    .option('--points <n>', 'at most so many points, 1 to 1000', toWholeNumber)
    .optionsGroup('Which time (the last 7 days where nothing is said):')
    .option('--last <time>', 'the last 30d or 12h, up to now')
    .option('--month <month>', 'a month such as 2026-11, in UTC')
    .option('--from <time>', 'from a day (UTC) or whole hour on: 2026-11-01', toInstantByUtc)
    .option('--to <time>', 'before a whole hour; else up to now', toInstantByUtc);
}

function askedBy({ resource, pool, last, month, from, to }: HistoryFlags) {
  return {
    ...(resource !== undefined && { resource }),
    ...(pool !== undefined && { pool }),
    ...(last !== undefined && { last }),
    ...(month !== undefined && { month }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}
