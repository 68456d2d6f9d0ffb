import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import type { Service } from '../../src/service/call.ts';
import type { Call, Caller } from '../../src/service/operation.ts';
import { callRemote } from '../../src/http/client.ts';
import { startServer } from '../../src/http/server.ts';
import { onThisMachine } from './server.ts';
import { testService, TRACE_ID, type TestService } from './service.ts';

/** One of the ways by which an operation is called. */
export interface Door {
  readonly name: string;
  /** Opens it once for many tests; the service behind it is another one in each of them. */
  open(service: Service): Promise<OpenDoor>;
}

export interface OpenDoor {
  /** Who acts, as the events will say. */
  readonly principal: string;
  call(caller: Pick<Caller, 'actingAs' | 'reason'>): Call;
  close(): Promise<void>;
}

const local: Door = {
  name: 'local',
  async open(service) {
    return {
      principal: 'ana',
      call: (caller) => (operation, input, options) =>
        service(operation, input, {
          ...fullAuthority,
          principal: 'ana',
          traceId: 'local',
          ...caller,
          ...options,
        }),
      async close() {},
    };
  },
};

const remote: Door = {
  name: 'remote',
  async open(service) {
    const server = await startServer({
      service,
      ...{ host: '127.0.0.1', port: 0, allowedHosts: [], corsOrigins: [], version: '0.0.0' },
      ...{ ...onThisMachine, logLevel: 'error', log: { write: () => undefined } },
      checkReady: async () => undefined,
      newTraceId: () => TRACE_ID,
    });
    const { url, close } = server;
    return { principal: 'anonymous', call: (caller) => callRemote({ url, ...caller }), close };
  },
};

/** The suite of the service runs through each of these. */
export const doors: readonly Door[] = [local, remote];

export interface ServiceBehindDoor extends Omit<TestService, 'call' | 'as' | 'close' | 'service'> {
  readonly principal: string;
  readonly call: Call;
  /** Through the door too, with a name or a reason beside the principal. */
  as(caller: Pick<Caller, 'actingAs' | 'reason'>): Call;
  /** Past the door, for what only another principal can do. */
  local(caller: Partial<Caller>): Call;
}

/** A new service behind the door for every test of a suite, and nothing left of it after. */
export function useDoor(door: Door): ServiceBehindDoor {
  let current: TestService;
  let opened: OpenDoor;
  beforeAll(async () => {
    opened = await door.open((...call) => current.service(...call));
  });
  beforeEach(async () => {
    current = await testService();
  });
  afterEach(() => current.close());
  afterAll(() => opened.close());
  const as: ServiceBehindDoor['as'] =
    (caller) =>
    (...call) =>
      opened.call(caller)(...call);
  return {
    get store() {
      return current.store;
    },
    get path() {
      return current.path;
    },
    get clock() {
      return current.clock;
    },
    get ids() {
      return current.ids;
    },
    get environment() {
      return current.environment;
    },
    get principal() {
      return opened.principal;
    },
    as,
    call: as({}),
    local: (caller) => current.as(caller),
    events: () => current.events(),
    setUsed: (tenant, used) => current.setUsed(tenant, used),
  };
}
