import { decide } from '../domain/admission.ts';
import { committedUntil } from '../domain/budget.ts';
import { kindOf, type Amounts } from '../domain/job.ts';
import type { JobRow, ResourceRow } from '../store/store.ts';
import { recommit, restOf } from './budget-use.ts';
import { burstsFor } from './burst-lifts.ts';
import { recordDecision } from './decision-log.ts';
import { recordEvent } from './event-log.ts';
import {
  chargesOf,
  decideOn,
  isLasting,
  type Decided,
  type NotAdmitted,
  type Question,
} from './job-admission.ts';
import { roomIn } from './job-changes.ts';
import { amountsOf } from './job-request.ts';
import { viewJob, viewRejection, viewReplayed, type JobView } from './job-view.ts';
import { charge } from './ledger.ts';
import type { Context } from './operation.ts';
import { promoteLater } from './promotion.ts';
import { noticeCharge } from './quota-notices.ts';
import { settingsInForce } from './settings-in-force.ts';
import { askSettled } from './settle.ts';
import { questionOf } from './waiting.ts';

/** Changes what a running job holds. Less is always possible; more has to fit by the difference. */
export async function resize(
  context: Context,
  job: JobRow,
  named: Readonly<Record<string, unknown>>,
): Promise<JobView> {
  const { tables, now } = context;
  const catalogue = await tables.resources.list();
  const present = await questionOf(tables, job, catalogue);
  const wanted = await amountsAfter(context, present, named, catalogue);
  const difference = differenceOf(present.amounts, wanted, catalogue);
  if (difference.amounts.size === 0) {
    return viewReplayed(tables, job, now);
  }
  const until = committedUntil(job);
  const running = { amounts: present.amounts, isBurst: job.burst !== null, until };
  const question = { ...present, ...difference, whole: wanted, running };
  const ask = () => decideGrowth(context, question);
  const { decision, path } = await askSettled(context, ask, isLasting);
  if (decision.outcome !== 'admitted') return reject(context, job, question, decision);
  // What it held until now is what that time costs.
  const held = await tables.jobs.amounts(job.key);
  await tables.jobUses.endSegment(job.key, now, job.burst !== null, held);
  const holds = chargesOf({ amounts: wanted, resources: catalogue });
  await tables.jobs.replaceAmounts(job.key, holds);
  const charges = chargesOf(difference);
  await charge(context, path, charges);
  // What runs above limits anyway does not go with a session.
  const isAbove = job.mark === 'override' || job.mark === 'adopted';
  const bursts = isAbove ? [] : burstsFor(path.ceilings, difference.amounts);
  for (const { key } of bursts) await tables.bursts.addJob(key, job.key);
  const resized = { ...job, burst: job.burst ?? bursts[0]?.key ?? null, version: job.version + 1 };
  await tables.jobs.update(resized);
  await recommit(context, job, [
    { sign: 1, amounts: holds, isBurst: resized.burst !== null, from: now, to: until },
    restOf(job, held, now),
  ]);
  await recordEvent(context, {
    operation: 'job.resize',
    tenant: present.tenant.id,
    object: job.id,
    before: Object.fromEntries(present.amounts),
    after: Object.fromEntries(wanted),
  });
  await noticeCharge(context, path, charges);
  const less = charges.filter(({ amount }) => amount < 0);
  await promoteLater(tables, roomIn(path, less));
  return viewJob(tables, resized, now);
}

/** What is named in place of what was; what follows from kinds (`gpu` from `gpu.h100`) follows anew. */
async function amountsAfter(
  { tables }: Context,
  { pool, amounts }: Question,
  named: Readonly<Record<string, unknown>>,
  catalogue: readonly ResourceRow[],
): Promise<Amounts> {
  const kinds = new Set([...amounts.keys()].map(kindOf));
  const asked = new Map([...amounts].filter(([name]) => !kinds.has(name)));
  const after = Object.entries(named).filter(([, amount]) => amount !== undefined);
  const all = Object.fromEntries([...asked, ...after]);
  const there = catalogue.filter(({ retired, name }) => !retired || amounts.has(name));
  return amountsOf(tables, there, pool, all, asked);
}

/** By how much each resource changes; those that do not are left out. */
function differenceOf(
  before: Amounts,
  after: Amounts,
  catalogue: readonly ResourceRow[],
): Pick<Question, 'amounts' | 'resources'> {
  const changed = catalogue.filter(({ name }) => before.get(name) !== after.get(name));
  const entries = changed.map(
    ({ name }) => [name, (after.get(name) ?? 0) - (before.get(name) ?? 0)] as const,
  );
  return { amounts: new Map(entries), resources: changed };
}

/** A question about a job that there is: by how much it changes, and to what. */
type Growth = Question & Required<Pick<Question, 'whole'>>;

async function decideGrowth(context: Context, question: Growth): Promise<Decided> {
  const { resourcePools } = await settingsInForce(context.tables);
  const decided = await decideOn(context, question, {
    arePoolsOn: resourcePools.enabled,
    onFull: 'reject',
    isNew: false,
  });
  const grown = growthOf(question);
  if (grown.length === 0) {
    const less = { isOverride: false, opens: undefined, verdict: undefined };
    const decision = { outcome: 'admitted' as const, ...less };
    return { ...decided, decision };
  }
  // More than could ever be held stays too much when others have gone.
  const amounts = new Map(grown.map(([name]) => [name, question.whole.get(name) ?? 0]));
  const alone = decide({ ...decided.situation, amounts });
  const isImpossible = alone.outcome !== 'admitted' && alone.code === 'impossible';
  return isImpossible ? { ...decided, decision: alone } : decided;
}

function growthOf({ amounts }: Question): [string, number][] {
  return [...amounts].filter(([, amount]) => amount > 0);
}

async function reject(
  context: Context,
  job: JobRow,
  question: Growth,
  decision: NotAdmitted,
): Promise<JobView> {
  const { tables, now, caller } = context;
  const catalogue = await tables.resources.list();
  const asked = { ...question, amounts: new Map(growthOf(question)) };
  const row = await recordDecision(context, asked, decision, 'resize', catalogue);
  return {
    ...(await viewJob(tables, job, now)),
    ...viewRejection(question.tenant.name, row, decision, caller.traceId),
  };
}
