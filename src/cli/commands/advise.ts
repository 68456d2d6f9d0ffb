import type { Command } from 'commander';
import { listAdvice } from '../../service/advice.ts';
import { adviceListing, notesOf, rowsOf } from '../advice-words.ts';
import { note, print } from '../run.ts';
import { asVerb, toWholeNumber, type Cli } from '../verb.ts';

interface Flags {
  readonly tenant?: string;
  readonly last?: string;
  readonly limit?: number;
}

const HELP = `
A limit is too low where at least ten requests did not fit, and far too high above one and a half times
its peak. Who had no jobs in that time is not advised. -o name prints nothing but the commands.`;

export function register(cli: Cli, command: Command): void {
  asVerb<Flags>(
    cli,
    command,
    {
      examples: ['advise', 'advise --tenant eng --last 7d', 'advise -o name'],
      flags: (command) =>
        command
          .option('--tenant <tenant>', 'only of this tenant and those below it')
          .option('--last <time>', 'look at the last 7d, 12h; else 30d')
          .option('--limit <n>', 'at most so many of each kind; else 50', toWholeNumber)
          .addHelpText('after', HELP),
    },
    async (run, _, { tenant, last, limit }) => {
      const advice = await run.call(listAdvice, {
        ...(tenant !== undefined && { tenant }),
        ...(last !== undefined && { last }),
        ...(limit !== undefined && { limit }),
      });
      const rows = rowsOf(advice);
      const isTable = run.format === 'table' && run.terminal.isOutTerminal;
      const hasPools = !isTable || rows.some(({ pool }) => pool !== null);
      await print(run, { document: advice, rows, listing: adviceListing(hasPools) });
      if (['json', 'yaml'].includes(run.format)) return;
      for (const sentence of notesOf(advice)) note(run, sentence);
    },
  );
}
