import { sayDiffering } from '../cli/usage-words.ts';
import { databaseError } from '../domain/errors.ts';
import { checkLedger, type LedgerCheck } from '../service/ledger-check.ts';
import type { Store } from '../store/store.ts';

/** Compares the ledger with the live jobs. */
export function checkLedgerOf(store: Store): Promise<LedgerCheck> {
  return store.read((tables) => checkLedger(tables, async () => undefined));
}

/** @throws database when the ledger of a file says something else than its live jobs. */
export async function requireAgreeingLedger(store: Store, file: string): Promise<void> {
  const { differences, balances } = await checkLedgerOf(store);
  if (differences === 0) return;
  throw databaseError(`${sayDiffering(differences, balances)} from what live jobs hold`, {
    hint: `Nothing was changed. Repair it there first: hodei usage verify --repair --db ${file}`,
  });
}
