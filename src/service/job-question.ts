import type { Amounts } from '../domain/job.ts';
import type { Instant, JobRow, PoolRow, ResourceRow, TenantRow } from '../store/store.ts';
import type { Charge } from './ledger.ts';

/** What is asked, as far as a decision depends on it. */
export interface Question {
  readonly tenant: TenantRow;
  readonly pool: PoolRow;
  readonly amounts: Amounts;
  readonly resources: readonly ResourceRow[];
  /** What else a rule may look at, and a budget; without it no rule is asked. */
  readonly about?: Pick<JobRow, 'labels' | 'priority' | 'jobId' | 'ttlSeconds'>;
  /** Of a job that changes: all that it would hold then, where the amounts are the difference. */
  readonly whole?: Amounts;
  /** Of a job that changes: what it holds now, and until when that is to be paid for. */
  readonly running?: Running;
}

export interface Running {
  readonly amounts: Amounts;
  readonly isBurst: boolean;
  readonly until: Instant;
}

/** The amounts as they are charged: by key of resource. */
export function chargesOf({
  amounts,
  resources,
}: Pick<Question, 'amounts' | 'resources'>): Charge[] {
  return resources.flatMap(({ key, name }) => {
    const amount = amounts.get(name);
    return amount === undefined ? [] : [{ resource: key, name, amount }];
  });
}
