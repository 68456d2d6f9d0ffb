import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HodeiError } from '../domain/errors.ts';
import { withoutTokens } from '../domain/token.ts';
import { ANONYMOUS, requireAllowed } from '../service/authority.ts';
import type { Operation } from '../service/operation.ts';
import type { Authentication, Identity } from './authentication.ts';
import type { RateLimits } from './rate-limits.ts';
import { pathOf } from './paths.ts';
import { clientAddress } from './proxies.ts';
import type { Refusals } from './refusals.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null until it is known. */
    identity: Identity | null;
  }

  interface FastifyContextConfig {
    /** Whether somebody who is not known may ask. */
    readonly isOpen?: boolean;
  }
}

export interface GuardOptions {
  readonly authentication: Authentication;
  readonly rateLimits: RateLimits;
  readonly refusals: Refusals;
  readonly operations: readonly Operation[];
}

/** Lets a request through when it is known who sent it, and that they may ask for this. */
export function addGuard(app: FastifyInstance, options: GuardOptions): void {
  const byName = new Map(options.operations.map((operation) => [operation.name, operation]));
  app.decorateRequest('identity', null);
  app.addHook('onRequest', async (request, reply) => {
    const { config } = request.routeOptions;
    if (config.isOpen === true) return;
    try {
      const identity = await identify(options, request);
      request.identity = identity;
      if (identity.token !== undefined) await options.rateLimits.countRequest(identity.token);
      const operation = byName.get(config.operation ?? '');
      if (operation !== undefined) requireAllowed(operation, identity);
    } catch (error) {
      announce(reply, error);
      if (error instanceof HodeiError) noteRefusal(options.refusals, request, error);
      throw error;
    }
  });
}

/** @throws unauthenticated, or rate_limited when the address has failed too often. */
async function identify(
  { authentication, rateLimits }: GuardOptions,
  request: FastifyRequest,
): Promise<Identity> {
  const { authorization } = request.headers;
  const address = clientAddress(request);
  const hasFailed = await rateLimits.hasFailedTooOften(address);
  // Others behind the same address go on, as long as they are known.
  if (hasFailed && !authentication.isKnown(authorization)) await rateLimits.countFailure(address);
  try {
    return await authentication.identify(authorization);
  } catch (error) {
    const isFailure = error instanceof HodeiError && error.code === 'unauthenticated';
    if (isFailure) await rateLimits.countFailure(address);
    throw error;
  }
}

/** What a client should know beside the body: RFC 9110, 11.6.1. */
function announce(reply: FastifyReply, error: unknown): void {
  if (error instanceof HodeiError && error.code === 'unauthenticated') {
    reply.header('www-authenticate', 'Bearer realm="hodei"');
  }
}

const RECORDED: readonly string[] = ['unauthenticated', 'forbidden', 'not_found'];

/** Writes down who was refused what. */
export function noteRefusal(refusals: Refusals, request: FastifyRequest, error: HodeiError): void {
  if (!RECORDED.includes(error.code)) return;
  const { identity, id: traceId, method, raw, routeOptions } = request;
  const address = clientAddress(request);
  const { principal = ANONYMOUS, token } = identity ?? {};
  const asked =
    routeOptions.config.operation ?? `${method} ${withoutTokens(pathOf(raw.url)).slice(0, 200)}`;
  refusals.note({ who: { principal, token, traceId }, asked, address }, error);
}
