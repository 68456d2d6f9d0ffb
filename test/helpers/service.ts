import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal, type Environment, type Service } from '../../src/service/call.ts';
import type { Call, Caller } from '../../src/service/operation.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import type { EventRow, Store } from '../../src/store/store.ts';
import { stoppedClock, type Clock } from './clock.ts';
import { countingIds, type Ids } from './ids.ts';
import { onFile, openTestStore } from './store.ts';

export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

export interface TestService {
  readonly service: Service;
  readonly store: Store;
  readonly path: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly environment: Environment;
  /** A call of ana's, with every answer checked against its schema. */
  readonly call: Call;
  /** The same on behalf of somebody else, or with a reason. */
  as(caller: Partial<Caller>): Call;
  /** Every event there is, the oldest first. */
  events(): Promise<EventRow[]>;
  /** Writes balances, as jobs will do when there are any: `setUsed('acme', { cpu_m: 500 })`. */
  setUsed(tenant: string, used: Readonly<Record<string, number>>): void;
  close(): Promise<void>;
}

export interface TestServiceOptions {
  /** Stands between the service and its store, to watch or to disturb. */
  readonly around?: (store: Store) => Store;
}

/** The whole service on a new file, with the default settings in force. */
export async function testService({ around }: TestServiceOptions = {}): Promise<TestService> {
  const clock = stoppedClock();
  const ids = countingIds();
  const { store, path, close } = openTestStore(clock.now);
  const environment = { now: clock.now, newId: ids.newId, checkOutput: true };
  const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
  await beginSettings(store, environment, ana, defaultSettings);
  const service = callLocal(around?.(store) ?? store, environment);
  const as = (caller: Partial<Caller>) => callAs(service, { ...ana, ...caller });
  return {
    ...{ service, store, path, clock, ids, environment, close, as },
    call: as({}),
    events: () => store.read((tables) => tables.events.following(0, 1_000_000)),
    setUsed: (tenant, used) => setUsed(path, tenant, used),
  };
}

/** The service as one caller sees it. */
export function callAs(service: Service, caller: Caller): Call {
  return (operation, input, options) => service(operation, input, { ...caller, ...options });
}

function setUsed(path: string, tenant: string, used: Readonly<Record<string, number>>): void {
  onFile(path, (connection) => {
    const write = connection.prepare(
      `insert into balance (scope, resource, used)
       select s.id, r.id, cast(? as integer) from scope s, tenant t, resource r
       where t.name = ? and t.deleted_at is null and s.tenant = t.id and r.name = ?
       on conflict (scope, resource) do update set used = excluded.used`,
    );
    for (const [resource, amount] of Object.entries(used)) {
      const { changes } = write.run(amount, tenant, resource);
      if (changes !== 1) throw new Error(`there is no ${resource} of ${tenant} to use`);
    }
  });
}
