import autocannon from 'autocannon';
import { idOf, type Filled } from './fill.ts';
import { ms, perSecond, type Figure } from './measure.ts';
import { serve, serveBare } from './server.ts';

const CONNECTIONS = 64;
const SECONDS = 4;

interface Load {
  readonly perSecond: number;
  readonly p99: number;
}

/**
 * Requests over loopback, each route beside a bare Fastify route with a constant reply.
 *
 * Every server is a process of its own, and those of hodei are the built program as `hodei serve`
 * starts it, so that it has its threads and shares none with who asks. An answer costs the asker
 * 20 µs: on two cores the bare route is held back by that, and hodei, which answers less often, is not.
 */
export async function measureHttp(
  small: Filled,
  large: Filled,
  tenants: number,
): Promise<Figure[]> {
  const [server, largeServer] = [await serve(small), await serve(large)];
  const bare = await serveBare(small);
  try {
    const get = (url: string, id: string) => load(`${url}/api/v1/tenants/${id}`, 'GET');
    const put = (url: string, id: string) => load(`${url}/api/v1/tenants/${id}/quota`, 'PUT');
    await get(server.url, idOf(1));
    const [bareGet, ownGet, largeGet] = [
      await get(bare.url, idOf(1)),
      await get(server.url, idOf(500)),
      await get(largeServer.url, idOf(tenants / 2)),
    ];
    const [barePut, ownPut, largePut] = [
      await put(bare.url, idOf(1)),
      await put(server.url, idOf(500)),
      await put(largeServer.url, idOf(tenants / 2)),
    ];
    return [
      figure('GET /tenants/{id}', ownGet, 'bare Fastify route', bareGet),
      figure('GET /tenants/{id}, 1,000,000 tenants', largeGet, '1,000 tenants', ownGet),
      figure('PUT /tenants/{id}/quota, fsync on', ownPut, 'bare Fastify route', barePut),
      figure('PUT …/quota, 1,000,000 tenants', largePut, '1,000 tenants', ownPut),
    ];
  } finally {
    await Promise.all([server.close(), largeServer.close(), bare.close()]);
  }
}

function figure(what: string, own: Load, against: string, base: Load): Figure {
  return {
    what,
    measured: `${perSecond(own.perSecond)}, p99 ${ms(own.p99)}`,
    against: `${against}: ${perSecond(base.perSecond)}`,
    ratio: own.perSecond / base.perSecond,
    target: against.includes('tenants') ? '≥ 0.8' : '',
  };
}

async function load(url: string, method: 'GET' | 'PUT'): Promise<Load> {
  let sent = 0;
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: SECONDS,
    requests: [
      method === 'GET'
        ? { method }
        : {
            method,
            headers: { 'content-type': 'application/json' },
            // Another limit every time, so that every call really changes something.
            setupRequest: (request) => ({
              ...request,
              body: `{"cpu_m":${500_000_000 + (sent++ % 100000)}}`,
            }),
          },
    ],
  });
  if (result.non2xx > 0) throw new Error(`${result.non2xx} of the answers from ${url} were errors`);
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}
