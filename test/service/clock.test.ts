import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { callLocal } from '../../src/service/call.ts';
import { steadyClock, type SystemTime } from '../../src/service/clock.ts';
import { admitJob, getJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { getTenant } from '../../src/service/tenants.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import { clockCheck } from '../../src/main/doctor-clock.ts';
import { countingIds } from '../helpers/ids.ts';
import { callAs, TRACE_ID } from '../helpers/service.ts';
import { openTestStore, START, type TestStore } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const ana = { ...fullAuthority, principal: 'ana', traceId: TRACE_ID };
const HOUR = 3_600_000;

/** A machine of which everything about time can be changed. */
interface Machine extends SystemTime {
  wall: number;
  up: number;
  boot: string | undefined;
}

function machine(): Machine {
  const made: Machine = {
    wall: START,
    up: 5_000,
    boot: 'boot-1',
    wallClock: () => made.wall,
    uptime: () => made.up,
  };
  return made;
}

let opened: TestStore;
let computer: Machine;
const { newId } = countingIds();

beforeEach(async () => {
  opened = openTestStore();
  computer = machine();
  const environment = { now: steadyClock(computer), newId };
  await beginSettings(opened.store, environment, ana, defaultSettings);
  await makeTenant(process(), 'acme');
});
afterEach(() => opened.close());

/** What one process of this start of the machine does; it asks the system for its boot once. */
function process(): Call {
  return callAs(callLocal(opened.store, { now: steadyClock(computer), newId }), ana);
}

async function admitted(call: Call): Promise<string> {
  const job = await call(admitJob, { tenant: 'acme', cpu_m: 1, ttl_seconds: 3600 });
  return String(job.id);
}

async function stateOf(call: Call, job: string): Promise<string> {
  return (await call(getJob, { job })).state;
}

describe('the clock', () => {
  it('goes on with the uptime, so that a lease ends when its time is over', async () => {
    const call = process();
    const job = await admitted(call);
    computer.up += HOUR - 1;
    expect(await stateOf(call, job)).toBe('admitted');
    computer.up += 1;
    expect(await stateOf(call, job)).toBe('expired');
  });

  it('does not follow a wall clock that jumps on: no lease ends by it', async () => {
    const call = process();
    const job = await admitted(call);
    computer.wall += 365 * 24 * HOUR;
    expect(await stateOf(call, job)).toBe('admitted');
    expect(await stateOf(process(), job)).toBe('admitted');
  });

  it('does not follow one that jumps back: no lease is extended by it', async () => {
    const job = await admitted(process());
    computer.wall -= 24 * HOUR;
    computer.up += HOUR;
    expect(await stateOf(process(), job)).toBe('expired');
  });

  it('is one clock for all processes of a start, whatever each finds the wall clock at', async () => {
    computer.wall += 10 * HOUR;
    await makeTenant(process(), 'beta');
    const { created_at } = await process()(getTenant, { tenant: 'beta' });
    expect(created_at).toBe(new Date(START).toISOString());
  });

  it('takes the wall clock as it is after the machine was started again', async () => {
    const job = await admitted(process());
    Object.assign(computer, { boot: 'boot-2', up: 10, wall: START + 2 * HOUR });
    expect(await stateOf(process(), job)).toBe('expired');
    await makeTenant(process(), 'beta');
    const { created_at } = await process()(getTenant, { tenant: 'beta' });
    expect(created_at).toBe(new Date(START + 2 * HOUR).toISOString());
  });

  it('is the wall clock where the system does not tell one start from another', async () => {
    computer.boot = undefined;
    const call = process();
    const job = await admitted(call);
    computer.wall += HOUR;
    expect(await stateOf(call, job)).toBe('expired');
  });
});

describe('the doctor', () => {
  it('is content with a wall clock that was not set', async () => {
    expect(await clockCheck(opened.store, computer)).toEqual({
      status: 'ok',
      finding: 'clock: as the wall clock',
    });
  });

  it.each([
    [2 * HOUR, 'clock: 2 h behind the wall clock, which was set'],
    [-90_000, 'clock: 1 min 30 s ahead of the wall clock, which was set'],
  ])('says by how much a wall clock was set: %i ms', async (jump, finding) => {
    computer.wall += jump;
    expect(await clockCheck(opened.store, computer)).toMatchObject({ status: 'warn', finding });
  });

  it('has nothing to compare with before something was written', async () => {
    computer.boot = 'boot-2';
    expect(await clockCheck(opened.store, computer)).toMatchObject({ status: 'ok' });
  });
});
