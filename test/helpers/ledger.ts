import { expect } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { verifyUsage } from '../../src/service/usage.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { EventRow } from '../../src/store/store.ts';
import { countingIds } from './ids.ts';
import { requireBalanced } from './balances.ts';
import { callAs, TRACE_ID } from './service.ts';
import { onFile } from './store.ts';

/**
 * A file in which nothing is wrong, whatever became of the processes that wrote it: it opens, SQLite
 * finds it sound, every balance is the sum of the live jobs, hodei says so too, the chain of events
 * is whole, and the events tell of every job just what its row says.
 * @returns the events.
 */
export async function requireCleanLedger(path: string): Promise<EventRow[]> {
  const store = openSqliteStore({ path, create: false, now: () => 0 });
  const service = callLocal(store, { now: () => 0, newId: countingIds().newId });
  const call = callAs(service, { ...fullAuthority, principal: 'inspector', traceId: TRACE_ID });
  const events = await store.read((tables) => tables.events.following(0, 10_000_000));
  const { differences } = await call(verifyUsage, {});
  await store.close();
  expect(differences).toEqual([]);
  expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
  onFile(path, (db) => {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
  });
  requireBalanced(path);
  expect(statesToldBy(events)).toEqual(jobStates(path));
  return events;
}

/** The state of every job, by id. */
export function jobStates(path: string): Map<string, string> {
  return onFile(path, (db) => {
    const jobs = db.prepare('select public_id, state from job').raw().all();
    return new Map(jobs as [string, string][]);
  });
}

/** In which states an event can find its job, and in which one it leaves it. */
const steps: Readonly<Record<string, { readonly from: readonly string[]; readonly to?: string }>> =
  {
    'job.admit': { from: ['none'], to: 'admitted' },
    'job.queue': { from: ['none'], to: 'queued' },
    'job.promote': { from: ['queued'], to: 'admitted' },
    'job.release': { from: ['admitted'], to: 'released' },
    'job.cancel': { from: ['queued'], to: 'cancelled' },
    'job.evict': { from: ['admitted'], to: 'evicted' },
    'job.expire': { from: ['queued', 'admitted'], to: 'expired' },
    'job.renew': { from: ['queued', 'admitted'] },
    'job.resize': { from: ['admitted'] },
  };

/** The states of jobs as the events tell them; every step is one that there is. */
function statesToldBy(events: readonly EventRow[]): Map<string, string> {
  const states = new Map<string, string>();
  for (const { operation, object, sequence } of events) {
    const step = steps[operation];
    if (step === undefined) continue;
    const from = states.get(object) ?? 'none';
    if (!step.from.includes(from)) {
      throw new Error(`event ${sequence}: ${operation} of ${object}, which was ${from}`);
    }
    states.set(object, step.to ?? from);
  }
  return states;
}
