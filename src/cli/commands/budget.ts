import { Option, type Command } from 'commander';
import { onExceeded, type EntryKind, type OnExceeded } from '../../domain/budget.ts';
import { invalid } from '../../domain/errors.ts';
import type { BudgetView } from '../../service/budget-view.ts';
import {
  correctBudget,
  creditBudget,
  getBudget,
  listBudgetEntries,
  listBudgets,
  setBudget,
  unsetBudget,
} from '../../service/budgets.ts';
import {
  budgetListing,
  entryListing,
  sayEntry,
  saySet,
  toMoney,
  toThreshold,
  type Threshold,
} from '../budget-words.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { note, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';

export function register(cli: Cli, noun: Command): void {
  addSet(cli, noun);
  addGet(cli, noun);
  addList(cli, noun);
  addUnset(cli, noun);
  addCredit(cli, noun);
  addCorrect(cli, noun);
  addEntries(cli, noun);
}

interface SetFlags {
  readonly monthly?: number;
  readonly warn?: Threshold;
  readonly critical?: Threshold;
  readonly onExceeded?: OnExceeded;
}

function addSet(cli: Cli, noun: Command): void {
  addVerb<SetFlags>(
    cli,
    noun,
    {
      usage: 'set <tenant...>',
      summary: 'what a month may cost; what is not named stays as it is',
      examples: [
        'budget set acme --monthly 500',
        'budget set acme --monthly 500 --warn 80% --critical 95% --on-exceeded block',
        'budget set acme --warn default --dry-run',
      ],
      changes: true,
      isVersioned: true,
      flags: withBudgetFlags,
    },
    async (run, [names], { monthly, warn, critical, onExceeded: beyond }) => {
      const sent = {
        ...(monthly !== undefined && { monthly_micro: monthly }),
        ...(warn !== undefined && { warn_percent: percentOf(warn) }),
        ...(critical !== undefined && { critical_percent: percentOf(critical) }),
        ...(beyond !== undefined && { on_exceeded: beyond }),
      };
      if (Object.keys(sent).length === 0) {
        throw invalid('Nothing was named.', 'Such as: hodei budget set acme --monthly 500');
      }
      const wanted = [...new Set(names as string[])];
      const budgets = await forEach(run, wanted, (tenant) =>
        run.call(setBudget, { tenant, ...sent }),
      );
      await printBudgets(run, wanted, budgets, (budget) => saySet(budget, run.isDryRun));
    },
  );
}

function withBudgetFlags(command: Command): Command {
  return command
    .optionsGroup('The budget:')
    .option('--monthly <money>', 'of a month of the calendar (UTC), such as 500', toMoney)
    .option('--warn <percent>', 'tell from here on; default: as the config', toThreshold)
    .option('--critical <percent>', 'and again from here on', toThreshold)
    .addOption(
      new Option(
        '--on-exceeded <what>',
        'block: nothing starts that it does not pay for; else warn',
      ).choices(onExceeded),
    );
}

function percentOf(threshold: Threshold): number | null {
  return threshold === 'default' ? null : threshold;
}

/** Budgets in a table, or a sentence for each. */
async function printBudgets(
  run: Run,
  wanted: readonly string[],
  budgets: readonly BudgetView[],
  say?: (budget: BudgetView) => string,
): Promise<void> {
  if (budgets.length === 0) return;
  await print(run, {
    document: documentOf(wanted.length === 1, budgets),
    rows: budgets,
    listing: budgetListing(run.terminal.isOutTerminal),
    ...(say !== undefined && { sentences: budgets.map(say) }),
  });
}

function addGet(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'get <tenant...>',
      summary: 'what was spent of it this month, what is committed, what is left',
      examples: ['budget get acme', 'budget get acme --json | jq .left_micro'],
    },
    async (run, [names]) => {
      const wanted = names as string[];
      const budgets = await forEach(run, wanted, (tenant) => run.call(getBudget, { tenant }));
      await printBudgets(run, wanted, budgets);
    },
  );
}

const NONE = 'There are none: hodei budget set acme --monthly 500';

function addList(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'all budgets, and what was spent of each this month',
      examples: ['budget list', 'budget list -o csv'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, _, flags) => {
      await printPages(
        run,
        flags,
        () => budgetListing(run.terminal.isOutTerminal),
        (page) => run.call(listBudgets, page),
        run.terminal.isOutTerminal ? NONE : undefined,
      );
    },
  );
}

function addUnset(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'unset <tenant...>',
      summary: 'take a budget away; its credits and corrections stay on record',
      examples: ['budget unset acme --reason "paid by project now"'],
      changes: true,
      isVersioned: true,
    },
    async (run, [names]) => {
      await forEach(run, names as string[], async (tenant) => {
        await run.call(unsetBudget, { tenant });
        const sentence = `${tenant} has no budget any more`;
        note(run, run.isDryRun ? `Would be: ${sentence}. Nothing was changed.` : `${sentence}.`);
      });
    },
  );
}

function addCredit(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'credit <tenant> <money>',
      summary: 'money that need not be spent of it this month',
      examples: ['budget credit acme 50 --reason "the outage of Friday"'],
      changes: true,
    },
    (run, [tenant, money]) => enter(run, String(tenant), 'credit', toMoney(String(money))),
  );
}

function addCorrect(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'correct <tenant> <money>',
      summary: 'what was spent this month is so much more, or with - less',
      examples: ['budget correct acme -12.5 --reason "a job that hung"'],
      changes: true,
    },
    (run, [tenant, money]) => enter(run, String(tenant), 'correction', toMoney(String(money))),
  );
}

async function enter(run: Run, tenant: string, kind: EntryKind, amount: number): Promise<void> {
  const operation = kind === 'credit' ? creditBudget : correctBudget;
  const budget = await run.call(operation, { tenant, amount_micro: amount });
  const say = (each: BudgetView) => sayEntry(each, kind, amount, run.isDryRun);
  await printBudgets(run, [tenant], [budget], say);
}

function addEntries(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'entries <tenant>',
      summary: 'its credits and corrections, the newest first',
      examples: ['budget entries acme'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, [tenant], flags) => {
      await printPages(
        run,
        flags,
        () => entryListing(run.host.time.now()),
        (page) => run.call(listBudgetEntries, { tenant: String(tenant), ...page }),
      );
    },
  );
}
