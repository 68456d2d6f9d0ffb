import { isSamePerson } from '../domain/burst.ts';
import { forbidden } from '../domain/errors.ts';
import type { BurstRow } from '../store/store.ts';
import { ANONYMOUS } from './authority.ts';
import { requireWithinBounds } from './burst-bounds.ts';
import { burstStep, periodFrom, recordBurst, standBurst } from './burst-changes.ts';
import { burstsInForce, requireStillWithinMost, startIfDue } from './burst-request.ts';
import type { Context } from './operation.ts';
import { existing } from './tenant-lookup.ts';

/**
 * Agrees to a session; with the last one that has to, it stands, and begins when its time has come.
 * Who has agreed already is answered how it stands.
 * @throws forbidden to who may not, conflict when it waits for no answer or is too much by now.
 */
export async function approveBurst(context: Context, burst: BurstRow): Promise<BurstRow> {
  const { tables, now, caller } = context;
  const given = await tables.bursts.approvals(burst.key);
  if (given.some(({ principal }) => isSamePerson(principal, caller.principal))) return burst;
  burstStep(burst, 'approve', now);
  const { approval } = await burstsInForce(tables);
  await requireApprover(context, burst, approval.approvers);
  await requireAnother(
    context,
    burst,
    given.map(({ principal }) => principal),
  );
  const tenant = await existing(tables, burst.tenant);
  await requireWithinBounds(context, tenant, periodFrom(burst, now));
  await requireStillWithinMost(context, tenant, burst);
  const { principal } = caller;
  await tables.bursts.addApproval(burst.key, { principal, approvedAt: now });
  const approvals = given.length + 1;
  const isLast = approvals >= burst.approvalsRequired;
  const decision = { decidedAt: now, decidedBy: principal, decidedReason: caller.reason ?? null };
  const after = isLast
    ? await standBurst(context, { ...burst, ...decision })
    : { ...burst, version: burst.version + 1 };
  if (!isLast) await tables.bursts.update(after);
  const counted = { approvals, approvals_required: burst.approvalsRequired };
  await recordBurst(context, 'burst.approve', after, burst.state, counted);
  return isLast ? startIfDue(context, after) : after;
}

/** @throws forbidden to who is not among those who are named, and to who stands below. */
async function requireApprover(
  { tables, reach, caller }: Context,
  burst: BurstRow,
  approvers: readonly string[],
): Promise<void> {
  if (caller.principal === ANONYMOUS) {
    throw forbidden(
      'This server does not ask who you are, so that nobody could say who has agreed.',
      'Give everybody a token: hodei token create',
    );
  }
  if (burst.tenant === reach.root) {
    const { name } = await existing(tables, burst.tenant);
    throw forbidden(`You are bound to ${name}: who stands above it agrees to what it is lent.`);
  }
  if (approvers.length === 0) return;
  if (approvers.some((name) => isSamePerson(name, caller.principal))) return;
  throw forbidden(
    `${caller.principal} is not among those who may approve.`,
    `burst_capacity.approval.approvers names: ${approvers.join(', ')}.`,
  );
}

/**
 * Nobody agrees to what they asked for themselves, and nobody counts twice: not by another token, not
 * in other capitals, and not by a token that they made since for somebody else.
 * @throws forbidden
 */
async function requireAnother(
  { tables, caller }: Context,
  { id, requestedAt, requestedBy }: BurstRow,
  approvers: readonly string[],
): Promise<void> {
  if (isSamePerson(requestedBy, caller.principal)) {
    throw forbidden(
      `${requestedBy} asked for ${id}: another person has to agree to it.`,
      'A token of somebody else, or another user of the system: hodei burst get says who asked.',
    );
  }
  const token = caller.token === undefined ? undefined : await tables.tokens.byId(caller.token);
  if (token === undefined || token.createdAt < requestedAt) return;
  const maker = [requestedBy, ...approvers].find((name) => isSamePerson(name, token.createdBy));
  if (maker === undefined) return;
  throw forbidden(
    `${maker} made the token ${token.name} after ${id} was asked for: it does not count as another person.`,
  );
}
