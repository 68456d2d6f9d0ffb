import type { Limit } from '../../src/domain/quota.ts';
import { dropBursts } from './ledger-bursts.ts';
import type { Doing, ModelAnswer } from './ledger-model.ts';
import { promote } from './ledger-queue.ts';
import {
  isLiving,
  refuseIf,
  Refused,
  type Amounts,
  type LedgerModel,
  type ModelPool,
} from './ledger-rules.ts';

/** What a request says of a pool. */
export interface PoolShape {
  readonly type?: 'static' | 'dynamic' | undefined;
  readonly min_size?: number | undefined;
  readonly max_size?: number | undefined;
  readonly size?: number | undefined;
  readonly resources?: Amounts | undefined;
  readonly quotas?: {
    readonly max_concurrent_jobs?: Limit | undefined;
    readonly max_jobs_per_tenant?: Limit | undefined;
  };
}

export function applyToPool(
  model: LedgerModel,
  command: Doing<'createPool' | 'updatePool' | 'hold' | 'unhold' | 'deletePool'>,
): ModelAnswer {
  if (command.do === 'createPool') {
    refuseIf(
      model.pools.some(({ name }) => name === command.pool),
      'conflict',
    );
    model.pools.push(poolOf(command.pool, model.events.length, command.shape));
    model.events.push({ operation: 'pool.create', object: command.pool });
    return {};
  }
  const pool = findPool(model, command.pool);
  if (command.do === 'updatePool') {
    const changed = poolOf(pool.name, pool.id, command.shape, pool);
    if (JSON.stringify(changed) === JSON.stringify(pool)) return { started: [] };
    Object.assign(pool, changed);
    model.events.push({ operation: 'pool.update', object: pool.name });
    return { started: promote(model) };
  }
  if (command.do === 'deletePool') {
    refuseIf(
      model.jobs.some((job) => isLiving(job) && job.pool === pool),
      'conflict',
    );
    refuseIf(model.pools.length === 1, 'conflict');
    // The newest first.
    dropBursts(model, model.bursts.filter((burst) => burst.pool === pool).reverse());
    model.pools = model.pools.filter((each) => each !== pool);
    model.limits = model.limits.filter((each) => each.pool !== pool);
    model.events.push({ operation: 'pool.delete', object: pool.name });
    return {};
  }
  const isHeld = command.do === 'hold';
  if (pool.isHeld === isHeld) return isHeld ? {} : { started: [] };
  pool.isHeld = isHeld;
  model.events.push({ operation: isHeld ? 'pool.hold' : 'pool.resume', object: pool.name });
  const started = promote(model);
  return isHeld ? {} : { started };
}

/** A pool with what a request says of it. */
export function poolOf(name: string, id: number, shape: PoolShape, before?: ModelPool): ModelPool {
  const type = shape.type ?? before?.type ?? 'static';
  const minSize = shape.min_size ?? before?.minSize ?? 1;
  const maxSize = shape.max_size ?? before?.maxSize ?? 1;
  refuseIf(minSize > maxSize, 'invalid');
  const asked = shape.size === before?.size ? undefined : shape.size;
  const { quotas } = shape;
  const said = <T>(value: T | undefined, otherwise: T) => (value === undefined ? otherwise : value);
  return {
    ...{ id, name, type, minSize, maxSize, isHeld: before?.isHeld ?? false },
    size: sizeOf(type, minSize, maxSize, before?.size ?? minSize, asked),
    perWorker: shape.resources ?? before?.perWorker ?? {},
    maxJobs: said(quotas?.max_concurrent_jobs, before?.maxJobs ?? null),
    maxJobsPerTenant: said(quotas?.max_jobs_per_tenant, before?.maxJobsPerTenant ?? null),
  };
}

function sizeOf(
  type: ModelPool['type'],
  min: number,
  max: number,
  present: number,
  asked: number | undefined,
): number {
  if (type === 'static') {
    refuseIf(asked !== undefined && asked !== max, 'invalid');
    return max;
  }
  refuseIf(asked !== undefined && (asked < min || asked > max), 'invalid');
  return asked ?? Math.min(Math.max(present, min), max);
}

export function findPool({ pools }: LedgerModel, name: string): ModelPool {
  const pool = pools.find((each) => each.name === name);
  if (pool === undefined) throw new Refused('not_found');
  return pool;
}
