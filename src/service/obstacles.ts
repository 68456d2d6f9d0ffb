import type { ReasonCode } from '../domain/admission.ts';
import type { ScopeName } from '../domain/ceiling.ts';
import type { JobRow } from '../store/store.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { decideWaiting, questionOf } from './waiting.ts';

/** What a job waits for: the first of what stands against it now. */
export interface Awaited {
  readonly scope: ScopeName;
  readonly resource: string | null;
  readonly amount: number | null;
  readonly code: ReasonCode;
}

type At = Pick<Context, 'tables' | 'now'>;

/** What waiting jobs wait for, decided as they are when their turn comes; what they share is read once. */
export async function awaitedIn(at: At): Promise<(job: JobRow) => Promise<Awaited>> {
  const { tables, now } = at;
  const catalogue = await tables.resources.list();
  const overdue = await overdueAsOf(tables, now);
  return async (job) => {
    const question = await questionOf(tables, job, catalogue);
    const { decision } = await decideWaiting(at, job, question, overdue);
    const [first] = decision.outcome === 'admitted' ? [] : decision.violations;
    if (first === undefined) {
      // It would fit: it is looked at with the next change.
      const { name: pool } = await existingPool(tables, job.pool);
      return {
        ...{ scope: { tenant: null, pool }, resource: null, amount: null },
        code: 'waiting_ahead',
      };
    }
    const { tenant, pool } = first.scope;
    const { resource, requested: amount, code } = first;
    return { scope: { tenant, pool }, resource, amount, code };
  };
}
