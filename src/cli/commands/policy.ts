import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { deletePolicy, listPolicies, setPolicies, testPolicy } from '../../service/policies.ts';
import { toInstant } from '../instant.ts';
import { requestOf, withRequestFlags, type RequestFlags } from '../job-flags.ts';
import { readPolicyFile } from '../policy-file.ts';
import { ruleListing, sayChanges, sayRules, sayTest, testListing } from '../policy-words.ts';
import { confirmed, note, print } from '../run.ts';
import { forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';
import { sayList } from '../words.ts';

export function register(cli: Cli, noun: Command): void {
  addSet(cli, noun);
  addList(cli, noun);
  addTest(cli, noun);
  addDelete(cli, noun);
}

interface FileFlags {
  readonly file?: string;
}

function addSet(cli: Cli, noun: Command): void {
  addVerb<FileFlags>(
    cli,
    noun,
    {
      usage: 'set',
      summary: 'set all rules to those of a file; each is checked before any is in force',
      examples: [
        'policy set -f rules.yaml --dry-run',
        'policy set -f rules.yaml --reason "GPUs are for the night"',
        'policy list -o yaml > rules.yaml',
      ],
      changes: true,
      isVersioned: true,
      flags: (command) =>
        command.option('-f, --file <path>', 'YAML with time_zone and rules; - is the input'),
    },
    async (run, _, { file }) => {
      if (file === undefined) throw invalid('Which rules?', 'Name a file: -f rules.yaml, or -f -');
      const changed = await run.call(setPolicies, await readPolicyFile(run.host, file));
      await print(run, {
        document: changed,
        rows: changed.rules,
        listing: ruleListing,
        sentences: sayChanges(changed, changed.changes, run.isDryRun),
      });
    },
  );
}

function addList(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'the rules in force, in their order; as YAML a file that set takes',
      examples: ['policy list', 'policy list -o yaml > rules.yaml'],
    },
    async (run) => {
      const policy = await run.call(listPolicies, {});
      const { rules } = policy;
      // In a table an expression would be cut to pieces.
      const sentences = run.terminal.isOutTerminal ? { sentences: sayRules(rules) } : {};
      await print(run, { document: policy, rows: rules, listing: ruleListing, ...sentences });
      if (run.format !== 'table') return;
      if (rules.length === 0) note(run, noRules);
      else note(run, `The time of day is that of ${policy.time_zone}.`);
    },
  );
}

const noRules = 'There are no rules. Write some in a file, then: hodei policy set -f rules.yaml';

interface TestFlags extends RequestFlags, FileFlags {
  readonly at?: string;
}

function addTest(cli: Cli, noun: Command): void {
  addVerb<TestFlags>(
    cli,
    noun,
    {
      usage: 'test',
      summary: 'try the rules on a request: which of them act, and why the others do not',
      examples: [
        'policy test --tenant acme --gpu 2',
        'policy test --tenant acme --gpu 2 --at 2026-11-23T23:00',
        'policy test --tenant acme --cpu 4 --label team=web -f rules.yaml',
      ],
      flags: (command) =>
        withRequestFlags(command)
          .option('--id <key>', 'your own name for it')
          .optionsGroup('The rules:')
          .option('--at <time>', 'as if it were then: 2026-11-23T23:00, local', toInstant)
          .option('-f, --file <path>', 'rules to try before they are set; - is the input'),
    },
    async (run, _, flags) => {
      const request = requestOf(flags);
      const { at, file } = flags;
      const rules = file === undefined ? {} : await readPolicyFile(run.host, file);
      const tested = await run.call(testPolicy, { ...request, ...rules, ...(at && { at }) });
      if (run.format === 'table') {
        const said = tested.rules.length === 0 ? [noRules] : sayTest(tested);
        for (const sentence of said) note(run, sentence);
      }
      await print(run, { document: tested, rows: tested.rules, listing: testListing });
    },
  );
}

function addDelete(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'delete <rule...>',
      summary: 'delete rules; the others stay as they are',
      examples: ['policy delete gpu-at-night', 'policy delete gpu-at-night team-label --yes'],
      changes: true,
      isVersioned: true,
      asks: true,
    },
    async (run, [names]) => {
      const wanted = [...new Set([names ?? []].flat())];
      const there = new Set((await run.call(listPolicies, {})).rules.map(({ name }) => name));
      // Asked of those that there are; what is not there is refused as any other unknown name.
      const doomed = wanted.filter((name) => there.has(name));
      if (doomed.length > 0 && !(await confirmed(run, `Delete ${nameRules(doomed)}?`))) return;
      const deleted = await forEach(run, wanted, async (rule) => {
        await run.call(deletePolicy, { rule });
        return rule;
      });
      if (deleted.length === 0 || run.format !== 'table') return;
      const what = nameRules(deleted);
      run.terminal.out(
        run.isDryRun ? `Would delete ${what}. Nothing was changed.` : `Deleted ${what}.`,
      );
    },
  );
}

function nameRules(names: readonly string[]): string {
  return `${names.length === 1 ? 'rule' : 'rules'} ${sayList(names)}`;
}
