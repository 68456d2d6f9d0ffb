import { note, print, type Run } from './run.ts';
import { renderRows, type Listing } from './render.ts';
import type { Command } from 'commander';

interface Page<Row> {
  readonly items: Row[];
  readonly next_cursor: string | null;
}

export interface PageFlags {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly all?: boolean | undefined;
}

type FetchPage<Row> = (page: { limit: number; cursor?: string }) => Promise<Page<Row>>;

const PAGE_ON_TERMINAL = 100;
const PAGE_LARGEST = 500;

/** The flags of a list. */
export function withPageFlags(command: Command, toInteger: (text: string) => number): Command {
  return command
    .optionsGroup('Pages:')
    .option('--limit <n>', 'rows on one page, 1 to 500', toInteger)
    .option('--cursor <text>', 'go on where the page before ended')
    .option('--all', 'all pages (so it is where the output is not a terminal)');
}

/**
 * Prints a list: one page where a person reads or a page was asked for; else all of it, since a
 * script that got a part without noticing would be worse off than one that waits. `nothing` is said
 * where there is none, to a script too.
 */
export async function printPages<Row>(
  run: Run,
  flags: PageFlags,
  listingOf: (rows: readonly Row[]) => Listing<Row>,
  fetchPage: FetchPage<Row>,
  nothing?: string,
): Promise<void> {
  const isOnePage =
    flags.all !== true &&
    (run.terminal.isOutTerminal || flags.limit !== undefined || flags.cursor !== undefined);
  const start = flags.cursor === undefined ? {} : { cursor: flags.cursor };
  if (isOnePage) {
    const page = await fetchPage({ limit: flags.limit ?? PAGE_ON_TERMINAL, ...start });
    await print(run, { document: page, rows: page.items, listing: listingOf(page.items) });
    if (run.format === 'table' && page.items.length === 0) note(run, nothing ?? 'There are none.');
    if (page.next_cursor !== null && run.format !== 'json' && run.format !== 'yaml') {
      note(run, `There are more: --cursor ${page.next_cursor} for the next page, or --all`);
    }
    return;
  }
  if (run.format === 'json' || run.format === 'yaml') {
    const items: Row[] = [];
    for await (const page of pagesFrom(start, fetchPage)) items.push(...page.items);
    await print(run, {
      document: { items, next_cursor: null },
      rows: items,
      listing: listingOf(items),
    });
    return;
  }
  let isFirst = true;
  for await (const page of pagesFrom(start, fetchPage)) {
    const lines = await renderRows(
      run.terminal,
      run.format,
      listingOf(page.items),
      page.items,
      isFirst,
    );
    for (const line of lines) run.terminal.out(line);
    if (isFirst && page.items.length === 0 && nothing !== undefined) note(run, nothing);
    isFirst = false;
  }
}

/** Every page from a start on. */
export async function* pagesFrom<Row>(
  start: { readonly cursor?: string },
  fetchPage: FetchPage<Row>,
): AsyncGenerator<Page<Row>> {
  let page = await fetchPage({ limit: PAGE_LARGEST, ...start });
  yield page;
  while (page.next_cursor !== null) {
    page = await fetchPage({ limit: PAGE_LARGEST, cursor: page.next_cursor });
    yield page;
  }
}
