import type { Command } from 'commander';
import type { ContextList, ContextView } from '../host.ts';
import type { Listing } from '../render.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { forEach } from '../selection.ts';
import { addVerb, type Cli } from '../verb.ts';
import { sayList } from '../words.ts';

export function register(cli: Cli, noun: Command): void {
  addList(cli, noun);
  addUse(cli, noun);
  addDelete(cli, noun);
}

const listing: Listing<ContextView> = {
  name: ({ name }) => name,
  columns: [
    { header: '', text: ({ is_current: isCurrent }) => (isCurrent ? '*' : '') },
    { header: 'NAME', text: ({ name }) => name },
    { header: 'SERVER', text: ({ server }) => server ?? 'the file here' },
    { header: 'TOKEN', text: ({ has_token: hasToken }) => (hasToken ? 'kept' : '-') },
    { header: 'CA', text: ({ ca }) => ca ?? '-' },
  ],
};

function addList(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'list contexts; * is where commands act',
      examples: ['context list', 'context list --json'],
    },
    async (run) => {
      const list = await run.host.contexts.list();
      const { contexts } = list;
      await print(run, { document: { items: contexts }, rows: contexts, listing });
      noteOverriding(run, list);
    },
  );
}

function addUse(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'use <context>',
      summary: 'let commands act there from now on; local: on the file here',
      examples: ['context use prod', 'context use local'],
    },
    async (run, [name]) => {
      const list = await run.host.contexts.use(String(name));
      await printCurrent(run, list, '');
    },
  );
}

function addDelete(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'delete <context...>',
      summary: 'forget servers and their tokens; the tokens themselves live on',
      examples: ['context delete prod', 'context delete prod --yes'],
      asks: true,
    },
    async (run, [names]) => {
      const wanted = [...new Set(names as string[])];
      if (!(await confirmed(run, `Forget ${sayList(wanted)}?`))) return;
      const forgotten: string[] = [];
      let list: ContextList | undefined;
      for (const name of wanted) {
        const [left] = await forEach(run, [name], (each) => run.host.contexts.delete(each));
        if (left === undefined) continue;
        forgotten.push(name);
        list = left;
      }
      if (list !== undefined) await printCurrent(run, list, `Forgot ${sayList(forgotten)}. `);
    },
  );
}

/** Where commands act now. */
async function printCurrent(run: Run, list: ContextList, before: string): Promise<void> {
  const current = list.contexts.filter(({ is_current: isCurrent }) => isCurrent);
  const sentences = current.map(({ name, server }) => {
    return `${before}Commands act on ${server ?? 'the file here'} (context ${name}).`;
  });
  await print(run, { document: current[0], rows: current, listing, sentences });
  noteOverriding(run, list);
}

function noteOverriding(run: Run, { overriddenBy }: ContextList): void {
  if (overriddenBy === undefined || run.format !== 'table') return;
  note(run, `${overriddenBy} is set, and comes before the current context.`);
}
