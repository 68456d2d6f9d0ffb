import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store, Tables, Transaction } from '../../src/store/store.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { onFile, START } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const CPU = 1;

let hodei: TestService;
let store: Store;
let scopes: number[];

beforeEach(async () => {
  hodei = await testService();
  ({ store } = hodei);
  for (const name of ['a', 'b', 'c']) await makeTenant(hodei.call, name);
  scopes = onFile(hodei.path, (db) =>
    db.prepare('select id from scope where tenant is not null order by id').pluck().all(),
  ) as number[];
});
afterEach(() => hodei.close());

const places = () => scopes.map((scope) => ({ scope, resource: CPU }));

/** What the file says, whatever the connection remembers. */
function inFile(): Map<number, number> {
  const rows = onFile(hodei.path, (db) =>
    db.prepare('select scope, used from balance where resource = ?').raw().all(CPU),
  ) as [number, number][];
  return new Map(rows);
}

type Step =
  | { do: 'add'; scopes: number[]; amount: number }
  | { do: 'set'; scope: number; amount: number }
  | { do: 'read' }
  | { do: 'attempt'; steps: Step[]; isKept: boolean }
  | { do: 'elsewhere'; scope: number; amount: number };

const scope = fc.nat({ max: 2 });
const amount = fc.nat({ max: 99 });
const { step } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 5 }),
  step: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.record({ do: fc.constant('read') }),
    fc.record({ do: fc.constant('add'), scopes: fc.uniqueArray(scope, { minLength: 1 }), amount }),
    fc.record({ do: fc.constant('set'), scope, amount }),
    fc.record({ do: fc.constant('attempt'), steps: tie('steps'), isKept: fc.boolean() }),
  ),
}));
const elsewhere = fc.record({ do: fc.constant('elsewhere' as const), scope, amount });

/** Does it, and says what is used then, by a model that undoes by going back to a copy. */
async function take(
  transaction: Transaction,
  used: Map<number, number>,
  asked: Step,
): Promise<void> {
  const { tables, attempt } = transaction;
  const key = (n: number) => scopes[n] ?? -1;
  if (asked.do === 'read') expect(await usedIn(tables)).toEqual(used);
  else if (asked.do === 'set') {
    await tables.balances.set(key(asked.scope), CPU, asked.amount);
    used.set(key(asked.scope), asked.amount);
  } else if (asked.do === 'add') {
    const there = asked.scopes.map(key).filter((each) => used.has(each));
    if (there.length === 0) return;
    await tables.balances.add(there, [{ resource: CPU, amount: asked.amount }]);
    for (const each of there) used.set(each, (used.get(each) ?? 0) + asked.amount);
  } else if (asked.do === 'attempt') {
    const before = new Map(used);
    await attempt(async () => {
      for (const each of asked.steps) await take(transaction, used, each);
    }, asked.isKept);
    if (asked.isKept) return;
    used.clear();
    for (const [name, value] of before) used.set(name, value);
  }
}

async function usedIn(tables: Tables): Promise<Map<number, number>> {
  const found = await tables.balances.usedAt(places());
  return new Map(
    scopes.flatMap((each, i) => (found[i] === undefined ? [] : [[each, found[i]] as const])),
  );
}

describe('the writing connection', () => {
  it('knows what is used, whatever was undone, and whoever else has written', async () => {
    const other = openSqliteStore({ path: hodei.path, create: false, now: () => START });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.array(step, { maxLength: 6 }), elsewhere), { maxLength: 8 }),
        async (transactions) => {
          for (const asked of transactions) {
            if (!Array.isArray(asked)) {
              const place = scopes[asked.scope] ?? -1;
              await other.transaction(({ tables }) =>
                tables.balances.set(place, CPU, asked.amount),
              );
              continue;
            }
            const used = inFile();
            await store.transaction(async (transaction) => {
              for (const each of asked) await take(transaction, used, each);
              expect(await usedIn(transaction.tables)).toEqual(used);
            });
            expect(inFile()).toEqual(used);
          }
        },
      ),
      { numRuns: 60 },
    );
    await other.close();
  });

  it('goes on behind the last event, also after some were undone or written elsewhere', async () => {
    const other = openSqliteStore({ path: hodei.path, create: false, now: () => START });
    const head = (tables: Tables) => tables.events.head();
    const write = async (tables: Tables, text: string) => {
      const { sequence } = (await head(tables)) ?? { sequence: 0 };
      await tables.events.insert({
        ...{ sequence: sequence + 1, time: START, principal: 'ana', actingAs: null },
        ...{ operation: 'job.admit', tenant: null, object: text, reason: null, before: null },
        ...{ after: null, traceId: '', previousHash: '', hash: text.padEnd(64, '0') },
      });
      return (await head(tables))?.sequence;
    };
    const first = await store.transaction(({ tables }) => write(tables, 'a'));
    const [undone, next] = await store.transaction(async ({ tables, attempt }) => [
      await attempt(() => write(tables, 'b'), false),
      await write(tables, 'c'),
    ]);
    await other.transaction(({ tables }) => write(tables, 'd'));
    const last = await store.transaction(({ tables }) => write(tables, 'e'));
    const begin = first ?? 0;
    expect([undone, next, last]).toEqual([begin + 1, begin + 1, begin + 3]);
    await other.close();
  });

  it('knows whether there is room to look at, also after some was undone or made elsewhere', async () => {
    const other = openSqliteStore({ path: hodei.path, create: false, now: () => START });
    const place = { scope: scopes[0] ?? -1, resource: CPU };
    const isAny = (tables: Tables) => tables.wakeups.isAny();
    const put = async (tables: Tables) => {
      await tables.wakeups.put(place);
      return isAny(tables);
    };
    const seen = await store.transaction(async ({ tables, attempt }) => [
      await isAny(tables),
      await attempt(() => put(tables), false),
      await isAny(tables),
    ]);
    await other.transaction(({ tables }) => tables.wakeups.put(place));
    const later = await store.transaction(async ({ tables }) => {
      const before = await isAny(tables);
      await tables.wakeups.remove(place);
      return [before, await isAny(tables)];
    });
    expect([seen, later]).toEqual([
      [false, true, false],
      [true, false],
    ]);
    await other.close();
  });
});
