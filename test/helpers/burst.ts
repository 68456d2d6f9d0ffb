import { afterEach, beforeEach } from 'vitest';
import { approveBurstSession, requestBurstSession } from '../../src/service/bursts.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { requireBalanced } from './balances.ts';
import { testService, type TestService } from './service.ts';
import { makeTenant } from './tenant.ts';

type Input = Partial<Parameters<typeof requestBurstSession.run>[1]>;

/** A new service for every test with the tenant acme, for which ana asks and ben agrees. */
export function useBursts(usual: Input) {
  let current: TestService;
  beforeEach(async () => {
    current = await testService();
    await makeTenant(current.call, 'acme');
  });
  afterEach(async () => {
    requireBalanced(current.path);
    await current.close();
  });
  const call: TestService['call'] = (...asked) => current.call(...asked);
  const ben: TestService['call'] = (...asked) => current.as({ principal: 'ben' })(...asked);
  const ask = (more: object = {}) =>
    call(requestBurstSession, { tenant: 'acme', reason: 'release week', ...usual, ...more });
  return {
    /** What stands behind it in the test that runs. */
    hodei: {
      call,
      get path() {
        return current.path;
      },
      get store() {
        return current.store;
      },
      get ids() {
        return current.ids;
      },
      get clock() {
        return current.clock;
      },
      get environment() {
        return current.environment;
      },
      as: (caller: Parameters<TestService['as']>[0]) => current.as(caller),
      events: () => current.events(),
    },
    ben,
    ask,
    agreed: async (more: object = {}) => ben(approveBurstSession, { burst: (await ask(more)).id }),
    /** Something that changes nothing here, so that what is due is settled. */
    touch: () => call(setQuota, { tenant: 'acme', gpu: 0 }),
    quota: (tenant = 'acme') => call(getQuota, { tenant }),
  };
}
