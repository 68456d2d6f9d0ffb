import * as z from 'zod';
import { HodeiError } from '../domain/errors.ts';
import { ADMINS } from '../domain/role.ts';
import type { Store } from '../store/store.ts';
import type { Environment, Runner } from './call.ts';
import { operation, type Operation } from './operation.ts';
import { isSettlementDue } from './settle.ts';
import { system } from './system.ts';

/** A change that changes nothing itself: what is due is settled before every change. */
const settleOnly: Operation = operation({
  name: 'job.settle',
  summary: 'End what is overdue, and go on promoting',
  method: 'POST',
  path: '/jobs/settle',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: false,
  isVersioned: false,
  status: 204,
  input: () => z.strictObject({}),
  output: () => z.undefined(),
  example: { input: {}, output: undefined },
  run: () => Promise.resolve(undefined),
});

/**
 * Where no call comes that would do it: settles what is due, in small transactions. While the database
 * cannot be written, nothing is settled; what is due then still is so the next time.
 * @returns whether everything was settled.
 */
export async function sweep(
  store: Store,
  { now }: Pick<Environment, 'now'>,
  run: Runner,
  traceId: string,
): Promise<boolean> {
  const isDue = () =>
    store.read(async (tables) => isSettlementDue(tables, await now(tables, false)));
  try {
    while (await isDue()) await run(settleOnly, {}, system(traceId));
    return true;
  } catch (error) {
    if (!(error instanceof HodeiError) || error.code !== 'unavailable') throw error;
    return false;
  }
}
