import { decide, type Decision, type Situation, type Violation } from '../domain/admission.ts';
import type { Amounts } from '../domain/job.ts';
import type { JobRow, PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import {
  ceilingsOf,
  pathOf,
  type Charge,
  type CeilingOptions,
  type Path,
  type PathCeilings,
  type PathScope,
} from './ledger.ts';
import type { Context } from './operation.ts';

export type PathDecision = Decision<PathScope>;

/** What is asked, as far as a decision depends on it. */
export interface Question {
  readonly tenant: TenantRow;
  readonly pool: PoolRow;
  readonly amounts: Amounts;
  readonly resources: readonly ResourceRow[];
  /** Of a job that changes: all that it would hold then, where the amounts are the difference. */
  readonly whole?: Amounts;
}

/** A decision, and all that it was made from. */
export interface Decided {
  readonly path: PathCeilings;
  readonly situation: Situation<PathScope>;
  readonly decision: PathDecision;
}

export interface DecideOptions extends CeilingOptions {
  readonly onFull: Situation['onFull'];
  /** Whether waiting jobs have to be looked at before a new one; not so for one of them. */
  readonly isNew: boolean;
}

/** Loads all that a request touches, and lets the rules decide. */
export async function decideOn(
  tables: Tables,
  question: Question,
  options: DecideOptions,
): Promise<Decided> {
  const { tenant, pool, amounts, resources } = question;
  const path = await ceilingsOf(tables, await pathOf(tables, tenant, pool), resources, options);
  const poolScope = path.scopes.at(-1);
  const situation: Situation<PathScope> = {
    amounts,
    ceilings: path.ceilings,
    suspended: suspendedScope(path),
    held: options.arePoolsOn && pool.status === 'held' ? poolScope : undefined,
    preceded: options.isNew && (await arePromotionsDue(tables, path)) ? poolScope : undefined,
    onFull: options.onFull,
  };
  return { path, situation, decision: decide(situation) };
}

/** Whether nothing that is overdue could make the answer another one. */
export function isLasting({ decision }: Decided): boolean {
  return decision.outcome === 'admitted' || !decision.isRetryable;
}

function suspendedScope({ line, scopes }: Path): PathScope | undefined {
  const suspended = line.find(({ status }) => status === 'suspended');
  return suspended && scopes.find(({ subject }) => subject.tenant === suspended.key);
}

/** So many places with new room are remembered, rarely more than a few. */
const WAKEUPS_LOOKED_AT = 1_000;

/** Room appeared on the path, and not every waiting job has been looked at since. */
async function arePromotionsDue(tables: Tables, { scopes }: Path): Promise<boolean> {
  if (!(await tables.wakeups.isAny())) return false;
  const wakeups = await tables.wakeups.list(WAKEUPS_LOOKED_AT);
  return wakeups.some((wakeup) => scopes.some(({ key }) => key === wakeup.scope));
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

/** The first scope and resource that lack room, where a waiting job is woken; the scope gets a row. */
export async function placeOf(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  violations: readonly Violation<PathScope>[],
  catalogue: readonly ResourceRow[],
): Promise<NonNullable<JobRow['blocked']>> {
  const [first] = violations;
  if (first === undefined) throw new Error('nothing stands against a job that has to wait');
  const { scope } = first;
  // What is not a matter of amount (suspended, held) is waited for at the one resource of every job.
  const name = first.resource ?? 'jobs';
  const resource = catalogue.find((each) => each.name === name);
  if (resource === undefined) throw new Error(`the catalogue has no ${name}`);
  const key = scope.key ?? (await tables.scopes.insert(scope.subject, now));
  return { scope: key, resource: resource.key };
}
