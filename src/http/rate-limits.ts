import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { HodeiError } from '../domain/errors.ts';

export interface RateLimitOptions {
  readonly enabled: boolean;
  /** Of one token. */
  readonly requestsPerSecond: number;
  /** Of one address; only what fails to say who it is counts. */
  readonly failuresPerMinute: number;
}

/** Too many requests of somebody, who may come again in so many seconds. */
export class TooMany extends HodeiError {
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number) {
    const hint = `Nothing was done. Try again in ${retryAfter} s.`;
    super('rate_limited', message, { hint });
    this.retryAfter = retryAfter;
  }
}

export interface RateLimits {
  /** Counts a request of a token. @throws rate_limited */
  countRequest(token: string): Promise<void>;
  /** Counts a failure of an address. @throws rate_limited when there were too many. */
  countFailure(address: string): Promise<void>;
  /** Whether an address has failed so often that nobody listens to it any more. */
  hasFailedTooOften(address: string): Promise<boolean>;
}

export function createRateLimits(options: RateLimitOptions): RateLimits {
  const { enabled, requestsPerSecond, failuresPerMinute } = options;
  if (!enabled) {
    const nothing = async () => undefined;
    return {
      countRequest: nothing,
      countFailure: nothing,
      hasFailedTooOften: () => Promise.resolve(false),
    };
  }
  const requests = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
  const failures = new RateLimiterMemory({ points: failuresPerMinute, duration: 60 });
  return {
    countRequest: (token) =>
      count(requests, token, `More than ${requestsPerSecond} requests a second with this token.`),
    countFailure: (address) =>
      count(failures, address, `More than ${failuresPerMinute} failures a minute from ${address}.`),
    async hasFailedTooOften(address) {
      const found = await failures.get(address);
      return found !== null && found.consumedPoints >= failuresPerMinute;
    },
  };
}

async function count(limiter: RateLimiterMemory, key: string, message: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (found) {
    if (!(found instanceof RateLimiterRes)) throw found;
    throw new TooMany(message, Math.max(1, Math.ceil(found.msBeforeNext / 1000)));
  }
}
