import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { exportAudit } from '../../service/audit.ts';
import { auditFileWriter } from '../../service/audit-file.ts';
import { sayBreak, sayHead, sayNumber } from '../chain-words.ts';
import { Exit, FOUND_SOMETHING } from '../exit-codes.ts';
import { withPeriodFlags, type PeriodFlags } from '../instant.ts';
import { note, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count } from '../words.ts';

const FORMAT_HELP = `
Writes one JSON object a line: what it is, every event, and at the end how many there were and the
last event that there was. hodei audit verify --file FILE checks it. An export leaves none out
between its first and its last event. Ends with 9 where the chain of what was exported is broken.`;

export function addExport(cli: Cli, noun: Command): void {
  addVerb<PeriodFlags>(
    cli,
    noun,
    {
      usage: 'export',
      summary: 'write events whole and in order, as evidence that is kept elsewhere',
      examples: [
        'audit export > audit-2026-11.ndjson',
        'audit export --since 2026-11-01 | gzip > november.ndjson.gz',
      ],
      flags: (command) => withPeriodFlags(command).addHelpText('after', FORMAT_HELP),
    },
    async (run, _, flags) => {
      if (!['table', 'json'].includes(run.format)) {
        throw invalid(`An export is always JSON, one object a line, and never ${run.format}.`);
      }
      await exportTo(run, flags);
    },
  );
}

/** Page by page, each when the one before it has been taken: an export may be larger than memory. */
async function exportTo(run: Run, { since, until }: PeriodFlags): Promise<void> {
  const { terminal, host } = run;
  const period = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
  let page = await run.call(exportAudit, period);
  const { head } = page;
  const writer = auditFileWriter(page.from, {
    place: await run.place(),
    exportedAt: host.time.now(),
  });
  terminal.out(writer.start());
  for (;;) {
    for (const event of page.items) terminal.out(writer.event(event));
    // Nobody takes it any more: why, is said at the end of the program.
    if (!(await terminal.outTaken())) return;
    if (page.next_cursor === null) break;
    page = await run.call(exportAudit, { cursor: page.next_cursor });
  }
  terminal.out(writer.end(head));
  sayExported(run, writer.written());
}

type Written = ReturnType<ReturnType<typeof auditFileWriter>['written']>;

function sayExported(run: Run, { events, first, last, broken }: Written): void {
  const range = events === 0 ? '' : `, from ${sayNumber(first)} to ${sayNumber(last.sequence)}`;
  note(run, `Exported ${count(events, 'event')}${range}. Head ${sayHead(last)}`);
  if (broken === undefined) return;
  note(run, `As it was found, and as it was exported, the chain is ${sayBreak(broken)}.`);
  throw new Exit(FOUND_SOMETHING);
}
