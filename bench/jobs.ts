import { admitJob, releaseJob } from '../src/service/jobs.ts';
import { handWritten } from './by-hand.ts';
import { caller, nameOf, type Size } from './fill.ts';
import { ms, percentile, perSecond, type Figure } from './measure.ts';

/** As many at a time as wait for one commit. */
const CALLERS = 64;
const ROUNDS = 80;
/** The first rounds warm up. */
const WARM_UP = 20;

/**
 * Admit and release: through the service, and as somebody would write the same rows by hand into the
 * same tables. In turn, so that all see the same machine; but by hand among many tenants only after the
 * service, since the rows of both are in one chain of events.
 */
export async function measureJobs(small: Size, large: Size, byHand: Size): Promise<Figure[]> {
  const hand = handWritten(byHand);
  const taken: Taken = { service: [], large: [], hand: [], largeByHand: [] };
  for (let round = 0; round < ROUNDS; round++) {
    taken.hand.push(await timed(() => hand.release(hand.admit(tenantsOf(byHand, round)))));
    taken.service.push(await timed(() => serviceRound(small, round)));
    taken.large.push(await timed(() => serviceRound(large, round)));
  }
  hand.close();
  const largeByHand = handWritten(large);
  for (let round = ROUNDS; round < 2 * ROUNDS; round++) {
    const asking = tenantsOf(large, round);
    taken.largeByHand.push(await timed(() => largeByHand.release(largeByHand.admit(asking))));
  }
  largeByHand.close();
  return figuresOf(taken);
}

type Taken = Record<'service' | 'large' | 'hand' | 'largeByHand', number[]>;

function figuresOf(taken: Taken): Figure[] {
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
    {
      what: 'the same rows by hand, 1,000,000 tenants and live jobs',
      measured: said(taken.largeByHand),
      against: `1,000: ${said(taken.hand)}`,
      ratio: rate(taken.largeByHand) / rate(taken.hand),
      target: '',
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
