import { hash } from 'node:crypto';
import type { Violation } from '../domain/admission.ts';
import type { DecisionRow, ResourceRow, ViolationRow } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import type { NotAdmitted, Question } from './job-admission.ts';
import type { PathScope } from './ledger.ts';
import type { Context } from './operation.ts';

/** Identical rejections within so long are one record with a count. */
const ALIKE_MS = 60_000;

/**
 * Remembers why a request was not admitted, with the numbers of this moment. A caller that asks
 * again and again makes one record a minute, whose numbers are those of the last time.
 */
export async function recordDecision(
  context: Context,
  question: Question & { readonly jobId?: string | null },
  decision: NotAdmitted,
  decidedBy: string,
  catalogue: readonly ResourceRow[],
): Promise<DecisionRow> {
  const { tables, now, caller } = context;
  const violations = decision.violations.map((violation) => toRow(violation, catalogue));
  const likeness = likenessOf(question, decision, caller.principal);
  const before =
    decision.outcome === 'rejected'
      ? await tables.decisions.latestLike(likeness, now - ALIKE_MS)
      : undefined;
  if (before !== undefined) {
    const again = { ...before, times: before.times + 1, lastAt: now };
    await tables.decisions.repeat(again, violations);
    return again;
  }
  const row = {
    id: context.newId('dec'),
    outcome: decision.outcome,
    code: decision.code,
    isRetryable: decision.isRetryable,
    decidedBy: deciderOf(decision, decidedBy),
    tenant: question.tenant.key,
    pool: question.pool.key,
    principal: caller.principal,
    request: Object.fromEntries(question.amounts),
    likeness,
    times: 1,
    firstAt: now,
    lastAt: now,
  };
  const key = await tables.decisions.insert(row, violations);
  if (row.outcome === 'rejected') await recordRejection(context, question, row);
  return { ...row, key };
}

/** A rule that only warns leaves it to others to decide. */
function deciderOf({ verdict }: NotAdmitted, otherwise: string): string {
  return verdict === undefined || verdict.action === 'warn'
    ? otherwise
    : `policy rule ${verdict.name}`;
}

async function recordRejection(
  context: Context,
  { tenant, pool, jobId = null }: Question & { readonly jobId?: string | null },
  { id, code, isRetryable, request }: Omit<DecisionRow, 'key'>,
): Promise<void> {
  await recordEvent(context, {
    operation: 'job.reject',
    tenant: tenant.id,
    object: id,
    before: null,
    after: { job_id: jobId, pool: pool.name, code, retryable: isRetryable, resources: request },
  });
}

function likenessOf(
  { tenant, pool, amounts, whole }: Question,
  decision: NotAdmitted,
  by: string,
): string {
  const reasons = decision.violations.map(({ scope, resource, code }) => [
    scope.tenant,
    scope.pool,
    resource,
    code,
  ]);
  const asked = whole === undefined ? [...amounts] : { resizedTo: [...whole] };
  return hash(
    'sha256',
    JSON.stringify([tenant.key, pool.key, asked, by, decision.verdict?.name, reasons]),
  );
}

function toRow(violation: Violation<PathScope>, catalogue: readonly ResourceRow[]): ViolationRow {
  const { scope, resource, code, limit, base, used, requested, overBy } = violation;
  const key = resource === null ? null : catalogue.find(({ name }) => name === resource)?.key;
  const numbers = { limit, base, used, requested, overBy };
  return { ...scope.subject, resource: key ?? null, ...numbers, code };
}
