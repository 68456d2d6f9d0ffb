import { invalid, type HodeiError } from '../domain/errors.ts';
import { isLoopback } from './hosts.ts';
import type { TlsFiles } from './tls.ts';

/** What decides who can reach the server, and what they could do there. */
export interface Exposure {
  readonly host: string;
  /** Whether there are tokens, so that everybody is asked who they are. */
  readonly hasTokens: boolean;
  readonly tls: TlsFiles | undefined;
  readonly trustedProxies: readonly string[];
  /** The way out of all that is asked for here. */
  readonly allowUnauthenticated: boolean;
}

/** Why a server must not listen there, or undefined. */
export function exposureRefusal(exposure: Exposure): HodeiError | undefined {
  const { host, allowUnauthenticated, hasTokens } = exposure;
  if (host === '') return invalid('The host to listen on is empty.', 'Write 127.0.0.1.');
  if (allowUnauthenticated || isLoopback(host)) return undefined;
  const isPrivate = exposure.tls !== undefined || exposure.trustedProxies.length > 0;
  if (hasTokens && isPrivate) return undefined;
  const steps = [...(hasTokens ? [] : [TOKENS]), ...(isPrivate ? [] : [PRIVACY])];
  return invalid(
    hasTokens
      ? `On ${host} tokens would travel in the clear: there is neither TLS nor a proxy that has it.`
      : `On ${host} other machines could change everything: nobody is asked who they are.`,
    `${steps.join('. ')}. Or listen on 127.0.0.1, ` +
      'or accept it with security.allow_unauthenticated: true.',
  );
}

const TOKENS = 'Make a token with hodei token create';
const PRIVACY =
  'Name a certificate and its key in security.tls, ' +
  'or the proxy that has TLS in server.behind_proxy.trusted_addresses';
