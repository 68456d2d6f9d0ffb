import type { Store, Transaction } from '../../src/store/store.ts';

/** Tells before each call of a transaction which one of it that is, with a savepoint or without. */
export function watching(before: () => (call: number) => void) {
  return (store: Store): Store => ({
    ...store,
    transaction: (work) =>
      store.transaction((transaction: Transaction) => {
        const watch = before();
        let calls = 0;
        const next = () => watch((calls += 1));
        return work({
          ...transaction,
          attempt(step, keep) {
            next();
            return transaction.attempt(step, keep);
          },
          run(step) {
            next();
            return transaction.run(step);
          },
        });
      }),
  });
}

/** Counts the transactions, and in each of them the calls. */
export function counting(counts: number[]) {
  return watching(() => {
    const index = counts.push(0) - 1;
    return (call) => (counts[index] = call);
  });
}
