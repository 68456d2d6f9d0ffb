import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { HodeiError, invalid } from '../domain/errors.ts';

/** What is wrong with the names by which a request calls the server, or undefined. */
export type HostCheck = (request: IncomingMessage) => HodeiError | undefined;

const OWN_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that call the server by a name that is not its own. A web page can give its own
 * name this machine's address (DNS rebinding) and would then read answers; the name betrays it.
 */
export function hostCheck(host: string, allowedHosts: readonly string[]): HostCheck {
  const allowed = new Set([...OWN_NAMES, host, ...allowedHosts].map(nameOfSetting));
  return (request) => {
    const header = request.headers.host;
    if (header === undefined || countHostHeaders(request) > 1) {
      return invalid('A request must have exactly one Host header.');
    }
    const authority = authorityOf(request.url);
    const names = authority === undefined ? [header] : [header, authority];
    const foreign = names.find((text) => {
      const name = nameOf(text);
      return name === undefined || !allowed.has(name);
    });
    return foreign === undefined ? undefined : notServed(foreign);
  };
}

function notServed(name: string): HodeiError {
  return new HodeiError('forbidden', `This server does not answer to the name ${name}.`, {
    hint: 'If it is its name, add it to server.allowed_hosts in the config file.',
  });
}

/** Node keeps only the first of several Host headers, so that they are counted as they came. */
function countHostHeaders({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

/** `http://name:port/path`, as sent to a proxy, names the server a second time. */
function authorityOf(url = ''): string | undefined {
  return url.startsWith('/') ? undefined : /^\w+:\/\/([^/?#]*)/.exec(url)?.[1];
}

/** The name without port and trailing dot, in lower case; undefined when it is not a host. */
function nameOf(authority: string): string | undefined {
  const [, name] = /^(\[[\da-f:.]+\]|[^:[\]@/\s]+?)\.?(?::\d*)?$/i.exec(authority) ?? [];
  return name?.toLowerCase();
}

function nameOfSetting(host: string): string {
  return nameOf(isIPv6(host) ? `[${host}]` : host) ?? host.toLowerCase();
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
