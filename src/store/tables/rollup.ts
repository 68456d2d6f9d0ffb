import type { RollupTable } from '../store.ts';
import type { Database } from './database.ts';

export function rollupTable(database: Database): RollupTable {
  return {
    async get() {
      const row = await database.get<{ sequence: number; pruned_before: number }>(
        `select sequence, pruned_before from rollup where id = 1`,
      );
      if (row === undefined) throw new Error('the table rollup has lost its one row');
      return { sequence: row.sequence, prunedBefore: row.pruned_before };
    },
    put: ({ sequence, prunedBefore }) =>
      database.run(
        `update rollup set sequence = ?, pruned_before = ? where id = 1`,
        sequence,
        prunedBefore,
      ),
  };
}
