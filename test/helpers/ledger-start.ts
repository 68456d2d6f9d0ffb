import { fullAuthority } from '../../src/service/authority.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import { callLocal } from '../../src/service/call.ts';
import type { Call } from '../../src/service/operation.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { countingIds } from './ids.ts';
import { callAs, TRACE_ID } from './service.ts';
import { makeTenant } from './tenant.ts';

type Limits = Readonly<Record<string, number | null>>;

const free: Limits = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };

/**
 * A new file with tenants that are limited only in what is said, and what else is done at first.
 * Nobody holds it after.
 */
export async function beginLedger(
  path: string,
  tenants: Readonly<Record<string, Limits>>,
  begin: (call: Call) => Promise<void> = async () => undefined,
): Promise<void> {
  const caller = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
  const environment = { now: Date.now, newId: countingIds().newId };
  const store = openSqliteStore({ path, create: true, now: Date.now });
  await beginSettings(store, environment, caller, defaultSettings);
  const call = callAs(callLocal(store, environment), caller);
  for (const [name, limits] of Object.entries(tenants)) {
    await makeTenant(call, name, { quota: { ...free, ...limits } });
  }
  await begin(call);
  await store.close();
}
