import type { Command } from 'commander';
import { invalid } from '../domain/errors.ts';
import { listTenants } from '../service/tenants.ts';
import { pagesFrom } from './pages.ts';
import { note, type Run } from './run.ts';
import { collect } from './verb.ts';

export interface SelectionFlags {
  readonly selector?: string[];
}

export function withSelector(command: Command): Command {
  return command.option('-l, --selector <key=value>', 'all tenants with this label', collect);
}

/** The tenants that a command is about: those named, or all with the labels. */
export async function selectedTenants(
  run: Run,
  names: readonly string[],
  { selector }: SelectionFlags,
): Promise<string[]> {
  if (selector === undefined) {
    if (names.length > 0) return [...new Set(names)];
    throw invalid('Which tenant?', 'Name one or several, or all with a label: -l key=value');
  }
  if (names.length > 0) throw invalid('Name tenants or select them with -l, not both.');
  const selected: string[] = [];
  const pages = pagesFrom({}, (page) => run.call(listTenants, { label: selector, ...page }));
  for await (const { items } of pages) selected.push(...items.map(({ name }) => name));
  if (selected.length === 0) note(run, `No tenant has ${selector.join(' and ')}.`);
  return selected;
}

/** So many changes are under way at once, so that a local file writes them with few commits. */
const AT_ONCE = 64;

/**
 * Does one thing for each tenant and tells of each in order. What fails for one is said and does
 * not stop the others; the command then ends with the code of the first failure.
 */
export async function forEach<T>(
  run: Run,
  tenants: readonly string[],
  act: (tenant: string) => Promise<T>,
): Promise<T[]> {
  const done: T[] = [];
  for (let start = 0; start < tenants.length; start += AT_ONCE) {
    const batch = tenants.slice(start, start + AT_ONCE);
    const outcomes = await Promise.allSettled(batch.map(act));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') done.push(outcome.value);
      else run.fail(outcome.reason, tenants.length > 1 ? batch[i] : undefined);
    }
  }
  return done;
}

/** Several answers as one document; a single one as itself. */
export function documentOf(isOne: boolean, items: readonly unknown[]): unknown {
  return isOne ? items[0] : { items, next_cursor: null };
}
