import type { Command } from 'commander';
import { Exit, FOUND_SOMETHING } from '../exit-codes.ts';
import type { Check } from '../host.ts';
import type { Listing } from '../render.ts';
import { print, type Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { asVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, command: Command): void {
  asVerb(
    cli,
    command,
    { examples: ['doctor', 'doctor --server http://127.0.0.1:8080', 'doctor --json'] },
    async (run) => {
      const checks = await run.host.doctor(run.flags);
      if (run.format === 'table') sayChecks(run, checks);
      else await print(run, { document: { checks }, rows: checks, listing });
      if (checks.some(({ status }) => status !== 'ok')) throw new Exit(FOUND_SOMETHING);
    },
  );
}

const listing: Listing<Check> = {
  name: ({ subject }) => subject,
  columns: [
    { header: 'STATUS', text: ({ status }) => status },
    { header: 'SUBJECT', text: ({ subject }) => subject },
    { header: 'FINDING', text: ({ finding }) => finding },
    { header: 'HINT', text: ({ hint }) => hint ?? '' },
  ],
};

function sayChecks({ terminal }: Run, checks: readonly Check[]): void {
  const { dim, yellow, red } = terminal.outColour;
  const colours = { ok: dim, warn: yellow, fail: red };
  for (const { status, finding, hint } of checks) {
    const sentence = hint === undefined ? finding : `${finding}: ${hint}`;
    terminal.out(`${colours[status](status.padEnd(4))}  ${shown(sentence)}`);
  }
}
