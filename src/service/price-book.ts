import { PriceBook, type UsualRates } from '../domain/rate.ts';
import type { ResourceRow, RevisionRow, Tables } from '../store/store.ts';
import { settingsOf } from './settings-in-force.ts';

/** All prices of all times: those of operators, and of every config file that was in force. */
export async function priceBookOf(
  tables: Tables,
  catalogue: readonly ResourceRow[],
): Promise<PriceBook> {
  const names = new Map(catalogue.map(({ key, name }) => [key, name]));
  const rates = (await tables.rates.list()).map(({ resource, ...rate }) => {
    return { ...rate, resource: resource === null ? null : (names.get(resource) ?? '') };
  });
  return new PriceBook(rates, usualRatesOf(await tables.settings.list()));
}

/** Of the revisions only those that changed a price, so that nothing else cuts the hours. */
export function usualRatesOf(revisions: readonly RevisionRow[]): UsualRates[] {
  const usual: UsualRates[] = [];
  let last = '';
  for (const revision of revisions) {
    const { costTracking, burstCapacity } = settingsOf(revision);
    const said = {
      prices: { ...costTracking.hourlyRates },
      burstMultiplier: burstCapacity.costMultiplier,
    };
    const text = JSON.stringify(said);
    if (text !== last) usual.push({ beginsAt: revision.appliedAt, ...said });
    last = text;
  }
  return usual;
}

/** The times at which the price of something, or the tree of tenants, changed: in order. */
export async function cutsOf(tables: Tables, book: PriceBook): Promise<number[]> {
  const moves = (await tables.formerParents.list()).map(({ untilAt }) => untilAt);
  return [...new Set([...book.changes, ...moves])].sort((a, b) => a - b);
}
