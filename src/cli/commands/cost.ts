import { Option, type Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { calendarUnits, type CalendarUnit } from '../../domain/period.ts';
import type { CostReport } from '../../service/cost-rows.ts';
import { reportCost } from '../../service/costs.ts';
import { nearest } from '../../service/nearest.ts';
import { MAX_COST_ROWS } from '../../service/schemas/cost.ts';
import { cellsOf, costListing, sayRange } from '../cost-words.ts';
import { costTable } from '../cost-table.ts';
import { toInstantByUtc } from '../instant.ts';
import { note, print, type Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';

interface ReportFlags {
  readonly group?: string;
  readonly tenant?: string;
  readonly pool?: string;
  readonly tree?: boolean;
  readonly month?: string;
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: CalendarUnit;
  readonly limit?: number;
}

/** So many rows a person is shown; a program gets all that there can be. */
const ROWS_ON_TERMINAL = 50;

export function register(cli: Cli, noun: Command): void {
  addVerb<ReportFlags>(
    cli,
    noun,
    {
      usage: 'report',
      summary: 'what was used in a time, and what it cost: by default this month, by tenant',
      examples: [
        'cost report',
        'cost report --tree --month 2026-10',
        'cost report --group label:team --tenant acme --last 30d --by week',
        'cost report --by day -o csv > november.csv',
      ],
      flags: withReportFlags,
    },
    async (run, _, flags) => {
      const isShown = run.format === 'table' && run.terminal.isOutTerminal;
      const { limit = isShown ? ROWS_ON_TERMINAL : MAX_COST_ROWS } = flags;
      const report = await run.call(reportCost, { ...askedBy(flags), limit });
      if (isShown && report.rows.length > 0) showReport(run, report, flags);
      else {
        const listing = costListing(report, run.format);
        await print(run, { document: report, rows: cellsOf(report, run.format), listing });
      }
      if (run.format !== 'json' && run.format !== 'yaml') noteRows(run, report);
    },
  );
}

function withReportFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--group <by>', 'what has a row; label:team: each value of that label of jobs')
        .choices(groups)
        .argParser(toGroup),
    )
    .option('--tenant <tenant>', 'only of this tenant and those below it')
    .option('--pool <pool>', 'only what was used in this pool')
    .option('--tree', 'tenants as a tree, each with what everything below it cost')
    .option('--limit <n>', 'the most expensive so many rows', toWholeNumber)
    .optionsGroup('Which time (days and months are those of UTC):')
    .option('--month <month>', 'a month such as 2026-11; else the present one')
    .option('--last <time>', 'the last 30d or 12h, up to now')
    .option('--from <time>', 'from a day or a whole hour on: 2026-11-01', toInstantByUtc)
    .option('--to <time>', 'before a day or a whole hour; else up to now', toInstantByUtc)
    .addOption(new Option('--by <unit>', 'how it went over that time').choices(calendarUnits));
}

const groups = ['tenant', 'pool', 'job', 'label:'];

function toGroup(text: string): string {
  if (/^label:./.test(text) || ['tenant', 'pool', 'job'].includes(text)) return text;
  if (['label', 'label:'].includes(text)) throw invalid('By which label?', 'Say label:team');
  const meant = nearest(text, groups);
  const hint =
    meant === undefined ? 'There are: tenant, pool, job and label:KEY.' : `Did you mean ${meant}?`;
  throw invalid(`Costs cannot be grouped by "${text.slice(0, 40)}".`, hint);
}

function askedBy({ tree, limit: _, ...flags }: ReportFlags) {
  const { group, tenant, pool, month, last, from, to, by } = flags;
  return {
    ...(group !== undefined && { group }),
    ...(tenant !== undefined && { tenant }),
    ...(pool !== undefined && { pool }),
    ...(tree === true && { tree }),
    ...(month !== undefined && { month }),
    ...(last !== undefined && { last }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(by !== undefined && { by }),
  };
}

function showReport({ terminal, host }: Run, report: CostReport, flags: ReportFlags): void {
  const now = host.time.now();
  const { tenant, pool, by } = flags;
  const of = tenant === undefined ? '' : ` of ${tenant}`;
  const where = pool === undefined ? '' : ` in pool ${pool}`;
  const heading = shown(`Cost${of}${where}, ${sayRange(report, now)}`);
  terminal.out(heading.slice(0, terminal.columns));
  const past = report.periods.filter(({ begins_at: begins }) => Date.parse(begins) <= now).length;
  for (const line of costTable(terminal, report, by, past)) terminal.out(line);
}

function noteRows(run: Run, { rows, rows_in_all: all, from, to }: CostReport): void {
  if (all === 0) {
    const range = sayRange({ from, to }, run.host.time.now());
    note(run, `Nothing was used: ${range}.`);
  } else if (rows.length < all) {
    const most = Math.min(all, MAX_COST_ROWS);
    note(
      run,
      `These are ${rows.length.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} rows: --limit ${most} for more.`,
    );
  }
}
