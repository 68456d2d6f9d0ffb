import { invalid } from '../domain/errors.ts';
import { isLoopback } from './hosts.ts';

/** A server, as somebody asks it. */
export interface Remote {
  /** Where it is, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** What proves who asks. */
  readonly token?: string | undefined;
  /** Where the token is from, for people: `HODEI_TOKEN`. */
  readonly tokenFrom?: string | undefined;
  /** Certificates to trust in place of those that Node knows, as PEM. */
  readonly ca?: string | undefined;
}

interface Init {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

/** What we need of a response, whichever fetch it is of. */
export interface RemoteResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

export interface Connection {
  /** The URL of the server, without what is below it. */
  readonly base: string;
  readonly tokenFrom: string | undefined;
  fetch(path: string, init: Init): Promise<RemoteResponse>;
}

/**
 * The way to a server; nothing is sent yet.
 * @throws invalid when the URL cannot be that of a server, or the way is not safe for a token.
 */
export function connectionTo({ url, token, tokenFrom, ca }: Remote): Connection {
  const base = baseUrl(url);
  if (token !== undefined) requirePrivateWay(base);
  const proof = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const send: Send = ca === undefined ? fetch : fetchTrusting(ca);
  return {
    base,
    tokenFrom,
    fetch: (path, init) => send(base + path, { ...init, headers: { ...init.headers, ...proof } }),
  };
}

export function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.username + url.password !== '') {
    throw invalid('The URL of a server must not contain a password, which would end up in logs.');
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
    throw invalid(`"${text}" is not the URL of a server.`, 'Write it as http://127.0.0.1:8080');
  }
  // Somebody who copies the base of the routes means the same server.
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
}

/** Whoever stands between could read the token and use it. */
function requirePrivateWay(base: string): void {
  const { protocol, hostname } = new URL(base);
  if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) return;
  throw invalid(
    `A token is not sent to ${base}: everybody on the way could read it.`,
    'Name the server with https://, or reach it through a tunnel to this machine.',
  );
}

type Send = (url: string, init: Init) => Promise<RemoteResponse>;

/** The fetch of Node trusts whom Node trusts; for anybody else it takes the package behind it. */
function fetchTrusting(ca: string): Send {
  let made: Promise<Send> | undefined;
  const make = async (): Promise<Send> => {
    const { Agent, fetch: send } = await import('undici');
    const dispatcher = new Agent({ connect: { ca } });
    return (url, init) => send(url, { ...init, dispatcher });
  };
  return async (url, init) => (await (made ??= make()))(url, init);
}
