import type { Command } from 'commander';
import { repairUsage, verifyUsage } from '../../service/usage.ts';
import type { Verification } from '../../service/usage-verification.ts';
import { Exit, FOUND_SOMETHING } from '../exit-codes.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { differencesListing, sayAgreement, sayDifferences, sayDiffering } from '../usage-words.ts';
import { addVerb, type Cli } from '../verb.ts';
import { count } from '../words.ts';

const EXIT_CODES = `
Ends with 9 where balances differ and were not repaired, else with 0.`;

export function addVerify(cli: Cli, noun: Command): void {
  addVerb<{ repair?: boolean }>(
    cli,
    noun,
    {
      usage: 'verify',
      summary: 'add up what live jobs hold, and compare it with every balance of the ledger',
      examples: ['usage verify', 'usage verify --repair --reason "restored from tape"'],
      changes: true,
      asks: true,
      flags: (command) =>
        command
          .option('--repair', 'set what differs to what live jobs hold')
          .addHelpText('after', EXIT_CODES),
    },
    async (run, _, flags) => {
      const start = run.host.time.passed();
      const passed = () => run.host.time.passed() - start;
      if (flags.repair === true) await repair(run, passed);
      else await verify(run, passed);
    },
  );
}

async function verify(run: Run, passed: () => number): Promise<void> {
  const found = await run.call(verifyUsage, {});
  if (found.differences_in_all === 0)
    return printFound(run, found, [sayAgreement(found, passed())]);
  await printFound(run, found, [
    ...sayDifferences(found),
    `${sayDiffering(found.differences_in_all, found.balances)}: hodei usage verify --repair`,
  ]);
  throw new Exit(FOUND_SOMETHING);
}

async function repair(run: Run, passed: () => number): Promise<void> {
  const isAsked = run.flags.yes !== true && !run.isDryRun;
  if (isAsked) {
    const found = await run.call(verifyUsage, {});
    if (found.differences_in_all === 0) {
      return printFound(run, found, [sayAgreement(found, passed())]);
    }
    // The question should be about what there is.
    for (const line of sayDifferences(found)) note(run, line);
    const question = `Repair ${count(found.differences_in_all, 'balance')}?`;
    if (!(await confirmed(run, question))) throw new Exit(FOUND_SOMETHING);
  }
  const repaired = await run.call(repairUsage, {});
  const all = repaired.differences_in_all;
  if (all === 0) return printFound(run, repaired, [sayAgreement(repaired, passed())]);
  const lines = isAsked ? [] : sayDifferences(repaired);
  const balances = count(all, 'balance');
  const sentence = run.isDryRun
    ? `Would repair ${balances}. Nothing was changed.`
    : `${balances} repaired.`;
  await printFound(run, repaired, [...lines, sentence]);
  if (run.isDryRun) throw new Exit(FOUND_SOMETHING);
}

async function printFound(
  run: Run,
  found: Verification,
  sentences: readonly string[],
): Promise<void> {
  const { differences } = found;
  await print(run, { document: found, rows: differences, listing: differencesListing, sentences });
}
