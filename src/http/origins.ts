import type { IncomingMessage } from 'node:http';
import { HodeiError, invalid } from '../domain/errors.ts';

/** @throws invalid when one of them is not an origin as browsers send it. */
export function requireOrigins(origins: readonly string[]): void {
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return;
  throw invalid(
    `"${wrong}" is not the origin of a web page.`,
    'Write scheme, host and port as browsers do, such as https://ops.example.',
  );
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/**
 * Refuses changes that a page of another site asks for. Browsers let any page send simple requests
 * such as a POST without a body; only the answer is kept from it, and by then it is done.
 */
export function originCheck(origins: readonly string[]) {
  const allowed = new Set(origins);
  return ({ method = '', headers }: IncomingMessage): HodeiError | undefined => {
    const { origin, host } = headers;
    if (origin === undefined || READING.has(method) || allowed.has(origin)) return undefined;
    if (origin === `http://${host}` || origin === `https://${host}`) return undefined;
    return new HodeiError('forbidden', `Pages of ${origin} may not change anything here.`, {
      hint: 'If they should, add the origin to server.cors.origins in the config file.',
    });
  };
}

/** OPTIONS asks what is allowed, and what it asks about comes in a request of its own. */
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
