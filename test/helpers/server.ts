import { defaultConfig } from '../../src/config/config.ts';

/** How a server is opened to this machine only, beside what a test is about. */
export const onThisMachine = {
  hasTokens: false,
  allowUnauthenticated: false,
  tls: undefined,
  trustedProxies: [],
  limits: defaultConfig().server.limits,
  metrics: defaultConfig().metrics,
  slowMs: 0,
  /** Tests ask as fast as they can. */
  rateLimiting: { enabled: false, requestsPerSecond: 1, failuresPerMinute: 1 },
  say: () => undefined,
};
