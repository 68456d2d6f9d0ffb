import { withoutTokens } from '../domain/token.ts';
import type { Service } from '../service/call.ts';
import type { ServerLog } from './logger.ts';

/**
 * The same service, which names in the log what took more than so many milliseconds, from the call to
 * its answer; 0: nothing. It stands before everything that asks, so that what the server does by itself
 * is named as well.
 */
export function namingSlow(
  service: Service,
  slowMs: number,
  log: Pick<ServerLog, 'slow'>,
): Service {
  if (slowMs === 0) return service;
  return async (operation, input, caller) => {
    const start = performance.now();
    const name = (output: unknown) => {
      const ms = performance.now() - start;
      if (ms <= slowMs) return;
      const { principal, traceId } = caller;
      const tenant = tenantIn(output) ?? tenantIn(input);
      log.slow({ operation: operation.name, ms, traceId, principal, tenant });
    };
    try {
      const output = await service(operation, input, caller);
      name(output);
      return output;
    } catch (error) {
      // What failed has taken as long, and who waited wants to know why.
      name(undefined);
      throw error;
    }
  };
}

/** The longest name or id there is; in a request may be anything. */
const MAX_TENANT_LENGTH = 100;

function tenantIn(value: unknown): string | undefined {
  const { tenant } = Object(value) as Record<string, unknown>;
  if (typeof tenant !== 'string') return undefined;
  return withoutTokens(tenant).slice(0, MAX_TENANT_LENGTH);
}
