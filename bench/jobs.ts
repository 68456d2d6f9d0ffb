import Sqlite from 'better-sqlite3';
import { hash } from 'node:crypto';
import { newId } from '../src/main/caller.ts';
import { admitJob, releaseJob } from '../src/service/jobs.ts';
import { caller, idOf, nameOf, type Filled } from './fill.ts';
import { ms, percentile, perSecond, type Figure } from './measure.ts';

/** As many at a time as wait for one commit. */
const CALLERS = 64;
const ROUNDS = 80;
/** The first rounds warm up. */
const WARM_UP = 20;

/** A database with so many tenants, each of which has as many live jobs. */
export interface Size extends Filled {
  readonly tenants: number;
}

/**
 * Admit and release: through the service, and as somebody would write the same rows by hand into the
 * same tables. In turn, so that all see the same machine.
 */
export async function measureJobs(small: Size, large: Size, byHand: Size): Promise<Figure[]> {
  const hand = handWritten(byHand);
  const taken = { service: [] as number[], large: [] as number[], hand: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    taken.hand.push(await timed(() => hand.round(round)));
    taken.service.push(await timed(() => serviceRound(small, round)));
    taken.large.push(await timed(() => serviceRound(large, round)));
  }
  hand.close();
  return figuresOf(taken);
}

function figuresOf(taken: Record<'service' | 'large' | 'hand', number[]>): Figure[] {
  const rate = (times: number[]) => (1_000 * CALLERS) / percentile(times.slice(WARM_UP), 50);
  const said = (times: number[]) =>
    `${perSecond(rate(times))}, ${ms((1_000 * CALLERS) / rate(times))} for ${CALLERS}`;
  return [
    {
      what: 'admit + release, 64 callers, fsync on',
      measured: said(taken.service),
      against: `the same rows by hand: ${said(taken.hand)}`,
      ratio: rate(taken.service) / rate(taken.hand),
      target: '≥ 0.5',
    },
    {
      what: 'admit + release, 1,000,000 tenants and live jobs',
      measured: said(taken.large),
      against: `1,000: ${said(taken.service)}`,
      ratio: rate(taken.large) / rate(taken.service),
      target: '≥ 0.8',
    },
  ];
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Whose turn it is: spread over all tenants but the hundred roots, the same in every run. */
function tenantsOf({ tenants }: Size, round: number): number[] {
  return Array.from(
    { length: CALLERS },
    (_, i) => 101 + (((round * CALLERS + i) * 7919) % (tenants - 100)),
  );
}

/** 64 callers who each ask for a job and, once it is admitted, release it. */
export async function serviceRound(size: Size, round: number): Promise<void> {
  const pairs = tenantsOf(size, round).map(async (n) => {
    const request = { tenant: nameOf(n), cpu_m: 100, memory_mb: 128, ttl_seconds: 600 };
    const job = await size.service(admitJob, request, caller);
    if (job.state !== 'admitted') throw new Error(`${nameOf(n)} was ${job.state}: ${job.error}`);
    await size.service(releaseJob, { job: String(job.id) }, caller);
  });
  await Promise.all(pairs);
}

/** Of a request for cpu, memory and one job: keys of the resources, and amounts. */
const amounts = [
  [1, 100],
  [2, 128],
  [4, 1],
] as const;

/** The rows of 64 callers in two transactions, with nothing looked up that is not needed for them. */
export function handWritten(size: Size) {
  const connection = new Sqlite(size.path);
  for (const pragma of ['synchronous = FULL', 'foreign_keys = ON', 'wal_autocheckpoint = 4096']) {
    connection.pragma(pragma);
  }
  const write = statementsOf(connection);
  const head = connection.prepare(
    'select sequence, hash from event order by sequence desc limit 1',
  );
  let { sequence, hash: previous } = head.get() as { sequence: number; hash: string };
  const event = (operation: string, tenant: string, object: string, state: string) => {
    sequence += 1;
    const text = JSON.stringify([sequence, Date.now(), 'bench', operation, tenant, object, state]);
    const next = hash('sha256', text + previous);
    write.event.run(sequence, Date.now(), operation, tenant, object, state, previous, next);
    previous = next;
  };
  const charge = (scopes: readonly number[], sign: 1 | -1) => {
    for (const scope of scopes) {
      for (const [resource, amount] of amounts) write.charge.run(sign * amount, scope, resource);
    }
  };
  const admit = connection.transaction((tenants: readonly number[]) =>
    tenants.map((tenant) => {
      const id = newId('job');
      const now = Date.now();
      const request = hash('sha256', JSON.stringify([idOf(tenant), 'default', amounts]));
      const job = write.job.get(id, tenant, now + 600_000, now, now, request) as { id: number };
      for (const [resource, amount] of amounts) write.amount.run(job.id, resource, amount);
      charge(scopesOf(tenant, size.tenants), 1);
      event('job.admit', idOf(tenant), id, '{"pool":"default","resources":{"cpu_m":100}}');
      return { ...job, publicId: id, tenant };
    }),
  );
  type Admitted = ReturnType<typeof admit>;
  const release = connection.transaction((jobs: Admitted) => {
    for (const { id, publicId, tenant } of jobs) {
      charge(scopesOf(tenant, size.tenants), -1);
      write.end.run(Date.now(), id);
      event('job.release', idOf(tenant), publicId, '{"state":"released"}');
    }
  });
  return {
    round: (round: number) => release.immediate(admit.immediate(tenantsOf(size, round))),
    close: () => connection.close(),
  };
}

/** As `fill` numbers them: the tenant and the one above it, everywhere and in the pool, and the pool. */
function scopesOf(tenant: number, tenants: number): number[] {
  const parent = 1 + (tenant % 100);
  return [tenant, tenants + tenant, parent, tenants + parent, 2 * tenants + 1];
}

function statementsOf(connection: Sqlite.Database) {
  return {
    job: connection.prepare(
      `insert into job (public_id, tenant, pool, state, priority, labels, ttl_seconds,
         queue_ttl_seconds, due_at, requested_at, admitted_at, claim_due, request_hash, version)
       values (?, ?, 1, 'admitted', 0, '{}', 600, 86400, ?, ?, ?, 0, ?, 1) returning id`,
    ),
    amount: connection.prepare(`insert into job_resource values (?, ?, ?)`),
    charge: connection.prepare(
      `update balance set used = used + ? where scope = ? and resource = ?`,
    ),
    end: connection.prepare(
      `update job set state = 'released', due_at = null, ended_at = ?, version = 2 where id = ?`,
    ),
    event: connection.prepare(
      `insert into event (sequence, time, principal, operation, tenant, object, after_state,
         trace_id, previous_hash, hash)
       values (?, ?, 'bench', ?, ?, ?, ?, '${'0'.repeat(32)}', ?, ?)`,
    ),
  };
}
