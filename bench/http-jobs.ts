import autocannon from 'autocannon';
import { nameOf, type Size } from './fill.ts';
import { ms, perSecond, type Figure } from './measure.ts';
import { serve, serveBare, serveBareRows, type Server } from './server.ts';

const CONNECTIONS = 64;
const SECONDS = 6;
const WARM_UP_SECONDS = 2;
/** Measured in turn, so that all see the same machine; the best of each is what it can do. */
const TURNS = 2;

interface Load {
  readonly perSecond: number;
  readonly p99: number;
}

/** Admissions over loopback: each one a row, its charges and an event, on the disk before the answer. */
export async function measureHttpJobs(small: Size, large: Size, hand: Size): Promise<Figure[]> {
  const [bare, rows] = [await serveBare(small), await serveBareRows(hand)];
  const [own, big] = [await serve(small), await serve(large)];
  try {
    for (const server of [rows, own, big]) await admissions(server, small, WARM_UP_SECONDS);
    const best = { bare: nothing, rows: nothing, own: nothing, big: nothing };
    for (let turn = 0; turn < TURNS; turn++) {
      best.bare = better(best.bare, await admissions(bare, small, SECONDS));
      best.rows = better(best.rows, await admissions(rows, small, SECONDS));
      best.own = better(best.own, await admissions(own, small, SECONDS));
      best.big = better(best.big, await admissions(big, large, SECONDS));
    }
    return [
      figure(
        'POST /jobs, 64 connections, fsync on',
        best.own,
        'bare Fastify route',
        best.bare,
        '≥ 0.4, p99 ≤ 25 ms',
      ),
      figure('POST /jobs, the same', best.own, 'the rows by hand behind it', best.rows, ''),
      figure('the rows by hand behind it', best.rows, 'bare Fastify route', best.bare, ''),
      figure('POST /jobs, 1,000,000 tenants and live jobs', best.big, '1,000', best.own, '≥ 0.8'),
      {
        what: 'resident memory of that server',
        measured: `${Math.round(big.residentMib())} MiB`,
        against: `with 1,000: ${Math.round(own.residentMib())} MiB`,
        ratio: undefined,
        target: '≤ 200 MB',
      },
    ];
  } finally {
    await Promise.all([bare, rows, own, big].map((server) => server.close()));
  }
}

const nothing: Load = { perSecond: 0, p99: Number.NaN };

function better(one: Load, other: Load): Load {
  return other.perSecond > one.perSecond ? other : one;
}

function figure(what: string, own: Load, against: string, base: Load, target: string): Figure {
  return {
    what,
    measured: `${perSecond(own.perSecond)}, p99 ${ms(own.p99)}`,
    against: `${against}: ${perSecond(base.perSecond)}`,
    ratio: own.perSecond / base.perSecond,
    target,
  };
}

/** Every request is of another tenant below the roots, spread over all there are. */
async function admissions({ url }: Server, { tenants }: Size, seconds: number): Promise<Load> {
  let sent = Math.floor(Math.random() * tenants);
  const result = await autocannon({
    url: `${url}/api/v1/jobs`,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => {
          sent += 1;
          const tenant = nameOf(101 + ((sent * 7919) % (tenants - 100)));
          return { ...request, body: `{"tenant":"${tenant}","cpu_m":100,"memory_mb":128}` };
        },
      },
    ],
  });
  if (result.non2xx > 0) throw new Error(`${result.non2xx} of the answers from ${url} were errors`);
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}
