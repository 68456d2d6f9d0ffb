import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fullAuthority } from '../../src/service/authority.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import { callLocal } from '../../src/service/call.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { beginSettings } from '../../src/service/settings.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { fillDisk } from './full-disk.ts';
import { callAs, TRACE_ID } from './service.ts';
import { makeTenant } from './tenant.ts';

/** What a process of the tests does. It talks to the test in lines. */
const works: Record<string, (...args: string[]) => Promise<void>> = {
  /** Creates or opens every file it is told of, at the very moment it is told of, and says `done`. */
  async open() {
    say('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      const [moment, path = ''] = line.split(' ');
      while (Date.now() < Number(moment));
      try {
        await openSqliteStore({ path, create: true, now: Date.now }).close();
        say('done');
      } catch (error) {
        say(String(error));
      }
    }
  },

  /** Creates tenants and raises a limit, in groups, and says each name once it is acknowledged. */
  async write(path = '', name = '', count = '') {
    const call = open(path, name);
    say('ready');
    for (let index = 0; index < Number(count); index++) {
      const acknowledged = async (tenant: string) => {
        await makeTenant(call, tenant, { labels: { by: name } });
        say(tenant);
      };
      const tenants = ['a', 'b', 'c'].map((part) => `${name}-${index}${part}`);
      await Promise.all([
        ...tenants.map(acknowledged),
        call(setQuota, { tenant: 'shared', gpu: '+1' }),
      ]);
    }
  },

  /** Begins a file. */
  async begin(path = '') {
    const store = openSqliteStore({ path, create: true, now: Date.now });
    const environment = { now: Date.now, newId: randomId };
    await beginSettings(store, environment, caller('begin'), defaultSettings);
    await store.close();
    await makeTenant(open(path, 'begin'), 'shared');
  },

  /** Holds the right to write for so long, as a slow process would. */
  async hold(path = '', milliseconds = '') {
    const connection = openConnection(path, 'write');
    connection.exec('begin immediate');
    say('held');
    await setTimeout(Number(milliseconds));
    connection.exec('commit');
    connection.close();
  },

  fillDisk: async (folder = '') => say(JSON.stringify(await fillDisk(folder))),
};

function open(path: string, name: string) {
  const store = openSqliteStore({ path, create: false, now: Date.now });
  return callAs(callLocal(store, { now: Date.now, newId: randomId }), caller(name));
}

function caller(principal: string) {
  return { ...fullAuthority, principal, traceId: TRACE_ID };
}

/** Ids of many processes, which must differ. */
function randomId(kind: string): string {
  const digits = Array.from({ length: 12 }, () => Math.floor(Math.random() * 10));
  return `${kind}-${digits.join('')}`;
}

/** Written at once, also when the process is killed right after. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const [, , work = '', ...args] = process.argv;
await works[work]?.(...args);
