import { limitField } from '../../src/domain/resource.ts';
import {
  approveBurstSession,
  cancelBurst,
  denyBurst,
  endBurstSession,
  requestBurstSession,
} from '../../src/service/bursts.ts';
import { admitJob, cancelJob, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import type { Call, CallOptions } from '../../src/service/operation.ts';
import {
  createPool,
  deletePool,
  holdPool,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import { setQuota, unsetQuota } from '../../src/service/quotas.ts';
import {
  createTenant,
  deleteTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import type { BurstVerb } from './ledger-bursts.ts';
import {
  burstAt,
  jobAt,
  type AdmitCommand,
  type BurstCommand,
  type Doing,
  type LedgerCommand,
} from './ledger-model.ts';
import type { LedgerModel } from './ledger-rules.ts';
import type { LedgerService } from './ledger-service.ts';

/** Asks hodei for what a command says; undefined where nobody is asked. */
export function ask(
  { call, as }: LedgerService,
  model: LedgerModel,
  command: LedgerCommand,
  options: CallOptions,
): Promise<unknown> | undefined {
  switch (command.do) {
    case 'create':
    case 'move':
    case 'suspend':
    case 'resume':
    case 'delete':
      return askTenant(call, command, options);
    case 'set':
    case 'unset':
      return askQuota(call, command, options);
    case 'createPool':
    case 'updatePool':
    case 'hold':
    case 'unhold':
    case 'deletePool':
      return askPool(call, command, options);
    case 'admit':
      return askAdmit(call, command, options);
    case 'burst':
      return askBurst(call, model.now, command, options);
    case 'approve':
    case 'deny':
    case 'cancelBurst':
    case 'endBurst': {
      const burst = burstAt(model, command.burst)?.id ?? '';
      const call = as(command.by);
      if (command.do === 'deny') return call(denyBurst, { burst, reason: 'not now' }, options);
      return call(burstOperations[command.do], { burst }, options);
    }
    case 'resize':
    case 'release':
    case 'cancel':
    case 'renew':
      return askJob(call, model, command, options);
    case 'look':
    case 'advance':
    case 'restart':
      return undefined;
  }
}

const burstOperations = {
  ...{ approve: approveBurstSession, cancelBurst, endBurst: endBurstSession },
} as const satisfies Record<Exclude<BurstVerb, 'deny'>, unknown>;

function askBurst(
  call: Call,
  now: number,
  { tenant, pool, percentage, add, resources: named, seconds, startsIn, onEnd }: BurstCommand,
  options: CallOptions,
): Promise<unknown> {
  const lift = percentage === null ? { add: add ?? {} } : { percentage };
  const starts_at = startsIn === null ? undefined : new Date(now + startsIn * 1000).toISOString();
  const input = {
    ...{ tenant, pool: pool ?? undefined, ...lift, starts_at, reason: 'release week' },
    ...{ resources: named === null ? undefined : [...named] },
    ...{ duration_seconds: seconds, on_end: onEnd },
  };
  return call(requestBurstSession, input, options);
}

function askTenant(
  call: Call,
  command: Doing<'create' | 'move' | 'suspend' | 'resume' | 'delete'>,
  options: CallOptions,
): Promise<unknown> {
  const { tenant } = command;
  switch (command.do) {
    case 'create': {
      const email = `ops@${tenant}.example`;
      const { parent, weight } = command;
      return call(createTenant, { name: tenant, email, parent, weight }, options);
    }
    case 'move':
      return call(updateTenant, { tenant, parent: command.parent, force: command.force }, options);
    case 'suspend':
      return call(suspendTenant, { tenant }, options);
    case 'resume':
      return call(resumeTenant, { tenant }, options);
    case 'delete':
      return call(deleteTenant, { tenant, cascade: command.cascade }, options);
  }
}

function askQuota(
  call: Call,
  command: Doing<'set' | 'unset'>,
  options: CallOptions,
): Promise<unknown> {
  const { tenant } = command;
  const pool = command.pool ?? undefined;
  const resource = limitField(command.resource);
  if (command.do === 'unset') return call(unsetQuota, { tenant, pool, resource }, options);
  return call(setQuota, { tenant, pool, [resource]: command.limit }, options);
}

function askPool(
  call: Call,
  command: Doing<'createPool' | 'updatePool' | 'hold' | 'unhold' | 'deletePool'>,
  options: CallOptions,
): Promise<unknown> {
  const { pool } = command;
  switch (command.do) {
    case 'createPool':
      return call(createPool, { id: pool, ...command.shape }, options);
    case 'updatePool':
      return call(updatePool, { pool, ...command.shape }, options);
    case 'hold':
      return call(holdPool, { pool }, options);
    case 'unhold':
      return call(resumePool, { pool }, options);
    case 'deletePool':
      return call(deletePool, { pool }, options);
  }
}

function askAdmit(
  call: Call,
  { tenant, pool, amounts, onFull, jobId, key, ttl, queueTtl, priority }: AdmitCommand,
  options: CallOptions,
): Promise<unknown> {
  const named = { job_id: jobId ?? undefined, on_full: onFull ?? undefined, priority };
  const times = { ttl_seconds: ttl ?? undefined, queue_ttl_seconds: queueTtl ?? undefined };
  const input = { tenant, pool, ...amounts, ...named, ...times };
  return call(admitJob, input, { ...options, idempotencyKey: key ?? undefined });
}

function askJob(
  call: Call,
  model: LedgerModel,
  command: Doing<'resize' | 'release' | 'cancel' | 'renew'>,
  options: CallOptions,
): Promise<unknown> {
  const job = jobAt(model, command.job)?.id ?? '';
  switch (command.do) {
    case 'resize':
      return call(resizeJob, { job, ...command.amounts }, options);
    case 'release':
      return call(releaseJob, { job }, options);
    case 'cancel':
      return call(cancelJob, { job }, options);
    case 'renew':
      return call(renew, { job, ttl_seconds: command.ttl ?? undefined }, options);
  }
}
