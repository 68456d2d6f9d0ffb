import { notFound } from '../domain/errors.ts';
import type { BurstRow, Tables } from '../store/store.ts';

/** @throws not_found when there is no session of this id within reach. */
export async function findBurst(tables: Pick<Tables, 'bursts'>, id: string): Promise<BurstRow> {
  const burst = await tables.bursts.byId(id);
  if (burst !== undefined) return burst;
  throw notFound(`Burst session not found: ${id}`, 'See which there are: hodei burst list');
}
