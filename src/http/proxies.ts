import type { FastifyRequest } from 'fastify';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { HodeiError } from '../domain/errors.ts';
import { isLoopback } from './hosts.ts';

/** Whether an address is that of a proxy which is believed who its clients are. */
export type Trust = (address: string | undefined) => boolean;

/** Trust in addresses and networks such as `10.0.0.0/24`; undefined when there are none. */
export function trustIn(addresses: readonly string[]): Trust | undefined {
  if (addresses.length === 0) return undefined;
  const trusted = new BlockList();
  for (const written of addresses) {
    const [address = '', bits] = written.split('/');
    if (bits === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  return (written) => {
    const address = addressIn(written);
    return address !== undefined && trusted.check(address, familyOf(address));
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/**
 * Refuses those who pass by the proxy, so that neither they nor their tokens go without its TLS. On
 * this machine nobody listens in.
 */
export function bypassCheck(trust: Trust | undefined, host: string) {
  if (trust === undefined || isLoopback(host)) return () => undefined;
  return ({ raw }: FastifyRequest): HodeiError | undefined => {
    const peer = addressIn(raw.socket.remoteAddress);
    if (peer !== undefined && (isLoopback(peer) || trust(peer))) return undefined;
    return new HodeiError('forbidden', 'This server is reached through its proxy only.', {
      hint: 'If this was a proxy, add its address to server.behind_proxy.trusted_addresses.',
    });
  };
}

/**
 * Who asks, as far as an address tells: through trusted proxies, the client that they name. The
 * addresses of a /64 are one client, since any machine in IPv6 has so many of its own.
 */
export function clientAddress({ ip, raw }: Pick<FastifyRequest, 'ip' | 'raw'>): string {
  // What a proxy names need not be an address: then they are all one client, that of the proxy.
  const address = addressIn(ip) ?? addressIn(raw.socket.remoteAddress);
  if (address === undefined) return '';
  return isIPv6(address) ? networkOf(address) : address;
}

/** IPv4 or IPv6 without port and scope; IPv4 that is written as IPv6 is IPv4. */
function addressIn(written = ''): string | undefined {
  const [, bracketed, withPort] = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(written) ?? [];
  const address = (bracketed ?? withPort ?? written).replace(/%.*$/s, '');
  const family = isIP(address);
  if (family === 0) return undefined;
  return family === 6 ? (ipv4In(address) ?? address) : address;
}

function ipv4In(address: string): string | undefined {
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : undefined;
}

function networkOf(address: string): string {
  const groups = groupsOf(address).slice(0, 4);
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL writes them all in hexadecimal, the last two as well.
  const { hostname } = new URL(`http://[${address}]`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}
