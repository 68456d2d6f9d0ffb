import fastify, { type FastifyRequest } from 'fastify';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bypassCheck, clientAddress, trustIn } from '../../src/http/proxies.ts';
import { parseReply, sendRaw, startTestServer } from './helpers.ts';

const addressOf = (ip: string, remoteAddress = '192.0.2.9') =>
  clientAddress({ ip, raw: { socket: { remoteAddress } } } as unknown as FastifyRequest);

describe('the address of a client', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::ffff:c633:6407', '198.51.100.7'],
    ['0:0:0:0:0:FFFF:198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:41234', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::198.51.100.7', '0:0:0:0::/64'],
    ['64:ff9b::198.51.100.7', '64:ff9b:0:0::/64'],
  ])('%s is %s', (ip, client) => {
    expect(addressOf(ip)).toBe(client);
  });

  it.each(['unknown', '', '_hidden', '1.2.3', '1.2.3.4.5', ':::', '[', 'x'.repeat(9000)])(
    'is that of the proxy where it names none: %.20j',
    (ip) => expect(addressOf(ip)).toBe('192.0.2.9'),
  );
});

describe('trust in proxies', () => {
  it('is in addresses and networks, however an address is written', () => {
    const trust = trustIn(['10.0.0.7', '10.1.0.0/16', 'fd00::/8', '::1', '::ffff:10.2.0.0/112']);
    const believed = ['10.0.0.7', '::ffff:10.0.0.7', '10.1.255.255', 'fd12::1', 'fd12::1%eth0'];
    for (const address of [...believed, '::1', '10.2.0.1']) {
      expect(trust?.(address), address).toBe(true);
    }
    const others = ['10.0.0.8', '10.3.0.1', '::ffff:10.0.0.8', 'fe00::1', '::2', '127.0.0.1'];
    for (const address of [...others, 'unknown', '', undefined]) {
      expect(trust?.(address), address).toBe(false);
    }
  });

  it('there is none where none is configured', () => {
    expect(trustIn([])).toBeUndefined();
  });

  /** What the server takes for the client behind a peer at 127.0.0.1. */
  async function seen(trusted: string[], forwarded: string[]): Promise<string> {
    const app = fastify({ trustProxy: trustIn(trusted) ?? false });
    app.get('/', (request) => clientAddress(request));
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as { port: number };
    const lines = forwarded.map((line) => `x-forwarded-for: ${line}\r\n`).join('');
    const head = `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n`;
    const reply = await sendRaw(port, `${head}${lines}\r\n`);
    await app.close();
    return reply.split('\r\n\r\n')[1] ?? '';
  }

  it.each<[string, string[], string[], string]>([
    ['nobody is believed where no proxy is trusted', [], ['6.6.6.6'], '127.0.0.1'],
    ['a peer that is not a proxy is not believed', ['10.0.0.1'], ['6.6.6.6'], '127.0.0.1'],
    ['a proxy names its client', ['127.0.0.1'], ['198.51.100.7'], '198.51.100.7'],
    [
      'what the client says itself stands before it',
      ['127.0.0.1'],
      ['6.6.6.6, 1.2.3.4'],
      '1.2.3.4',
    ],
    ['and may be a header of its own', ['127.0.0.1'], ['6.6.6.6', '1.2.3.4'], '1.2.3.4'],
    [
      'proxies stand in a row',
      ['127.0.0.1', '10.0.0.0/8'],
      ['6.6.6.6, 1.2.3.4, 10.0.0.2'],
      '1.2.3.4',
    ],
    [
      'who is behind what is no address is unknown',
      ['127.0.0.1'],
      ['1.2.3.4, unknown'],
      '127.0.0.1',
    ],
    ['a proxy may name nobody', ['127.0.0.1'], [], '127.0.0.1'],
  ])('%s', async (_what, trusted, forwarded, client) => {
    expect(await seen(trusted, forwarded)).toBe(client);
  });

  it('gives one address to a client however it changes the header', async () => {
    const rotated = await Promise.all(
      Array.from({ length: 50 }, (_, i) => seen([], [`6.6.6.${i}`])),
    );
    expect(new Set(rotated)).toEqual(new Set(['127.0.0.1']));
  });
});

describe('a server behind a proxy', () => {
  const behindProxy = {
    ...{ host: '0.0.0.0', hasTokens: true, trustedProxies: ['10.0.0.1'] },
    allowedHosts: ['hodei.example'],
  };
  const asPeer = (remoteAddress: string | undefined, host = '0.0.0.0') =>
    bypassCheck(
      trustIn(['10.0.0.1']),
      host,
    )({
      raw: { socket: { remoteAddress } },
    } as unknown as FastifyRequest);

  it('answers the proxy and this machine, and nobody who passes by the proxy', () => {
    for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', '127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(asPeer(peer), peer).toBeUndefined();
    }
    for (const peer of ['10.0.0.2', '::ffff:10.0.0.2', '2001:db8::1', undefined]) {
      expect(asPeer(peer)).toMatchObject({
        code: 'forbidden',
        message: 'This server is reached through its proxy only.',
      });
      expect(asPeer(peer, '127.0.0.1')).toBeUndefined();
    }
  });

  it('refuses who comes from elsewhere on every path but the probes', async ({ skip }) => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    if (own === undefined) return skip('This machine has no other address than that of itself.');
    const server = await startTestServer({ ...behindProxy, allowedHosts: [own] });
    onTestFinished(server.stop);
    const status = async (path: string, method = 'GET') => {
      const request = `${method} ${path} HTTP/1.1\r\nhost: ${own}\r\nconnection: close\r\n\r\n`;
      return parseReply(await sendRaw(server.port, request, own)).status;
    };
    for (const path of ['/api/v1/tenants', '/api/docs', '/nowhere', '/%zz', '//healthz']) {
      expect(await status(path), path).toBe(403);
    }
    expect(await status('/api/v1/tenants', 'POST')).toBe(403);
    for (const path of ['/healthz', '/readyz', '/healthz?x']) expect(await status(path)).toBe(200);
  });

  it('goes by the Host header itself, and by no header of a proxy', async () => {
    const server = await startTestServer({ ...behindProxy, trustedProxies: ['127.0.0.1'] });
    onTestFinished(server.stop);
    const ask = async (headers: Record<string, string>) =>
      (await server.ask('/api/v1/tenants', { headers })).status;
    expect(await ask({ host: 'evil.test', 'x-forwarded-host': 'hodei.example' })).toBe(403);
    expect(await ask({ host: 'hodei.example', 'x-forwarded-host': 'evil.test' })).toBe(200);
    expect(await ask({ host: 'hodei.example', forwarded: 'host=evil.test' })).toBe(200);
    const origin = 'https://evil.test';
    const post = await server.ask('/api/v1/tenants', {
      method: 'POST',
      headers: { host: 'hodei.example', origin, 'x-forwarded-host': 'evil.test' },
    });
    expect(post.status).toBe(403);
  });
});
