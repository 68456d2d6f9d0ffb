import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { admitJob, cancelJob, getJob, releaseJob } from '../../src/service/jobs.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { getUsage, repairUsage, verifyUsage } from '../../src/service/usage.ts';
import type { Verification } from '../../src/service/usage-verification.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { balancesFrom, balancesIn, explained, writeRows } from '../helpers/ledger-rows.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { dump, onFile } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

let hodei: TestService;
beforeEach(async () => {
  hodei = await testService();
});
afterEach(() => hodei.close());

const call: TestService['call'] = (...asked) => hodei.call(...asked);

/** Past hodei: references may be broken too. */
function harm(sql: string, path = hodei.path): void {
  onFile(path, (connection) => {
    connection.pragma('foreign_keys = OFF');
    connection.exec(sql);
  });
}

/** The scope of names, `-` for none, in SQL. */
function scope(tenant: string, pool = '-'): string {
  const of = (table: string, name: string) =>
    name === '-'
      ? `${table} is null`
      : `${table} = (select max(id) from ${table} where name = '${name}')`;
  return `(select id from scope where ${of('tenant', tenant)} and ${of('pool', pool)})`;
}

const resource = (name: string) => `(select id from resource where name = '${name}')`;

function at(tenant: string, pool: string, name: string): string {
  return `scope = ${scope(tenant, pool)} and resource = ${resource(name)}`;
}

const key = (table: string, name: string) => `(select id from ${table} where name = '${name}')`;

/** `eng/gpu cpu_m 4 → 3`: scope, resource, what is and what should be. */
const say = ({ differences }: Verification) =>
  differences
    .map(({ tenant, pool, resource: name, used, should_be: shouldBe }) => {
      return `${tenant ?? '-'}/${pool ?? '-'} ${name} ${used} → ${shouldBe}`;
    })
    .sort();

const found = async () => say(await call(verifyUsage, {}));

/** eng above web above shop, and beta beside them; jobs of shop in two pools, of web in one. */
async function makeWorld(): Promise<void> {
  await makeLine(call, 'eng', 'web', 'shop');
  await makeTenant(call, 'beta');
  await makePool(call, 'spot');
  const start = (tenant: string, pool: string, job_id: string, cpu_m: number) =>
    call(admitJob, { tenant, pool, job_id, cpu_m });
  await start('shop', 'default', 'a', 1000);
  await start('shop', 'spot', 'b', 500);
  await start('web', 'default', 'c', 2000);
}

describe('usage verify', () => {
  it('agrees with an empty ledger', async () => {
    expect(await call(verifyUsage, {})).toEqual({
      ...{ balances: 0, jobs: 0, rows: 0, differences: [], differences_in_all: 0 },
      units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' },
    });
  });

  it('agrees with what was admitted, and counts every balance once', async () => {
    await makeWorld();
    // Three tenants everywhere and in both pools, and the pools: each of cpu_m and jobs.
    const balances = 2 * (3 + 3 + 3 + 2);
    expect(await call(verifyUsage, {})).toMatchObject({
      ...{ balances, jobs: 3, rows: balances + 3, differences: [], differences_in_all: 0 },
    });
  });

  it('agrees after releases, moves, deletions and what has run out', async () => {
    await makeWorld();
    await call(releaseJob, { job: 'shop:b' });
    await call(updateTenant, { tenant: 'web', parent: 'beta' });
    await call(admitJob, { tenant: 'shop', pool: 'spot', cpu_m: 1, ttl_seconds: 60 });
    await call(deleteTenant, { tenant: 'eng' });
    hodei.clock.advance(60_000);
    expect(await found()).toEqual([]);
    await call(setQuota, { tenant: 'shop', gpu: 1 });
    expect(await found()).toEqual([]);
    await call(deleteTenant, { tenant: 'beta', cascade: true });
    expect(await call(verifyUsage, {})).toMatchObject({ jobs: 0, differences: [] });
  });

  it.each(['queued', 'released', 'expired', 'evicted', 'cancelled'])(
    'does not count what a job that is %s asks for',
    async (state) => {
      await makeWorld();
      harm(`update job set state = '${state}' where job_id = 'b'`);
      expect(await found()).toEqual([
        '-/spot cpu_m 500 → 0',
        '-/spot jobs 1 → 0',
        'eng/- cpu_m 3500 → 3000',
        'eng/- jobs 3 → 2',
        'eng/spot cpu_m 500 → 0',
        'eng/spot jobs 1 → 0',
        'shop/- cpu_m 1500 → 1000',
        'shop/- jobs 2 → 1',
        'shop/spot cpu_m 500 → 0',
        'shop/spot jobs 1 → 0',
        'web/- cpu_m 3500 → 3000',
        'web/- jobs 3 → 2',
        'web/spot cpu_m 500 → 0',
        'web/spot jobs 1 → 0',
      ]);
    },
  );

  it('tells whose balance it is, by id too', async () => {
    await makeWorld();
    const { tenant_id } = await call(getUsage, { tenant: 'shop' });
    harm(`update balance set used = 7 where ${at('shop', 'spot', 'jobs')}`);
    harm(`update balance set used = 9 where ${at('-', 'spot', 'jobs')}`);
    expect((await call(verifyUsage, {})).differences).toEqual([
      { tenant: 'shop', tenant_id, pool: 'spot', resource: 'jobs', used: 7, should_be: 1 },
      { tenant: null, tenant_id: null, pool: 'spot', resource: 'jobs', used: 9, should_be: 1 },
    ]);
  });
});

/** What somebody can do to a ledger, and what should then be said of it. */
const harms: readonly (readonly [string, () => string, readonly string[]])[] = [
  [
    'a balance of a tenant with none below is too high',
    () => `update balance set used = used + 1 where ${at('shop', '-', 'cpu_m')}`,
    ['shop/- cpu_m 1501 → 1500'],
  ],
  [
    'one of a tenant in a pool is too low',
    () => `update balance set used = used - 1 where ${at('shop', 'spot', 'cpu_m')}`,
    ['shop/spot cpu_m 499 → 500'],
  ],
  [
    'one of a tenant in the middle is wrong',
    () => `update balance set used = 0 where ${at('web', '-', 'jobs')}`,
    ['web/- jobs 0 → 3'],
  ],
  [
    'one of a root in a pool is wrong',
    () => `update balance set used = 4 where ${at('eng', 'default', 'cpu_m')}`,
    ['eng/default cpu_m 4 → 3000'],
  ],
  [
    'one of a pool is wrong',
    () => `update balance set used = 1 where ${at('-', 'default', 'cpu_m')}`,
    ['-/default cpu_m 1 → 3000'],
  ],
  [
    'one is missing',
    () => `delete from balance where ${at('web', 'spot', 'cpu_m')}`,
    ['web/spot cpu_m 0 → 500'],
  ],
  [
    'a scope is missing with all its balances',
    () =>
      `delete from balance where scope = ${scope('eng', 'spot')};
       delete from scope where id = ${scope('eng', 'spot')}`,
    ['eng/spot cpu_m 0 → 500', 'eng/spot jobs 0 → 1'],
  ],
  [
    'the scope of a pool is missing',
    () =>
      `delete from balance where scope = ${scope('-', 'spot')};
       delete from scope where id = ${scope('-', 'spot')}`,
    ['-/spot cpu_m 0 → 500', '-/spot jobs 0 → 1'],
  ],
  [
    'somebody without jobs is charged',
    () => `insert into balance values (${scope('beta')}, ${resource('gpu')}, 3)`,
    ['beta/- gpu 3 → 0'],
  ],
  [
    'a resource is charged that no job asks for',
    () => `insert into balance values (${scope('shop', 'spot')}, ${resource('memory_mb')}, 8)`,
    ['shop/spot memory_mb 8 → 0'],
  ],
  [
    'two balances are swapped',
    () =>
      `update balance set used = 3500 - used where resource = ${resource('cpu_m')} and
         scope in (${scope('eng', 'default')}, ${scope('eng', 'spot')})`,
    ['eng/default cpu_m 500 → 3000', 'eng/spot cpu_m 3000 → 500'],
  ],
  [
    'a job holds another amount',
    () =>
      `update job_resource set amount = 1001 where resource = ${resource('cpu_m')} and
         job = (select id from job where job_id = 'a')`,
    [
      '-/default cpu_m 3000 → 3001',
      ...['eng', 'web'].flatMap((tenant) => [
        `${tenant}/- cpu_m 3500 → 3501`,
        `${tenant}/default cpu_m 3000 → 3001`,
      ]),
      ...['shop/- cpu_m 1500 → 1501', 'shop/default cpu_m 1000 → 1001'],
    ],
  ],
  [
    'a job has another tenant',
    () => `update job set tenant = ${key('tenant', 'beta')} where job_id = 'c'`,
    [
      ...['beta/- cpu_m 0 → 2000', 'beta/- jobs 0 → 1'],
      ...['beta/default cpu_m 0 → 2000', 'beta/default jobs 0 → 1'],
      ...['eng', 'web'].flatMap((tenant) => [
        ...[`${tenant}/- cpu_m 3500 → 1500`, `${tenant}/- jobs 3 → 2`],
        ...[`${tenant}/default cpu_m 3000 → 1000`, `${tenant}/default jobs 2 → 1`],
      ]),
    ],
  ],
  [
    'a job is in another pool',
    () => `update job set pool = ${key('pool', 'default')} where job_id = 'b'`,
    ['-', 'eng', 'web', 'shop'].flatMap((tenant) => {
      const cpu = tenant === 'shop' ? 1000 : 3000;
      const jobs = tenant === 'shop' ? 1 : 2;
      return [
        ...[`${tenant}/default cpu_m ${cpu} → ${cpu + 500}`, `${tenant}/spot cpu_m 500 → 0`],
        ...[`${tenant}/default jobs ${jobs} → ${jobs + 1}`, `${tenant}/spot jobs 1 → 0`],
      ];
    }),
  ],
  [
    'a job is gone',
    () =>
      `delete from request_key;
       delete from job_resource where job = (select id from job where job_id = 'c');
       delete from job where job_id = 'c'`,
    [
      ...['-/default cpu_m 3000 → 1000', '-/default jobs 2 → 1'],
      ...['eng', 'web'].flatMap((tenant) => [
        ...[`${tenant}/- cpu_m 3500 → 1500`, `${tenant}/- jobs 3 → 2`],
        ...[`${tenant}/default cpu_m 3000 → 1000`, `${tenant}/default jobs 2 → 1`],
      ]),
    ],
  ],
  [
    'a tenant stands elsewhere',
    () => `update tenant set parent = null where name = 'web'`,
    [
      ...['eng/- cpu_m 3500 → 0', 'eng/- jobs 3 → 0'],
      ...['eng/default cpu_m 3000 → 0', 'eng/default jobs 2 → 0'],
      ...['eng/spot cpu_m 500 → 0', 'eng/spot jobs 1 → 0'],
    ],
  ],
  [
    'a tenant that was charged is a tombstone',
    () =>
      `update tenant set deleted_at = 1 where name = 'beta';
       insert into balance values (${scope('beta')}, ${resource('gpu')}, 3)`,
    ['beta/- gpu 3 → 0'],
  ],
];

describe('a ledger that was harmed', () => {
  it.each(harms)('is told from one that agrees, and repaired, where %s', async (_, sql, said) => {
    await makeWorld();
    harm(sql());
    const before = await call(verifyUsage, {});
    expect(say(before)).toEqual([...said].sort());
    expect(before.differences_in_all).toBe(said.length);
    expect(await call(repairUsage, {})).toEqual(before);
    expect(await call(verifyUsage, {})).toMatchObject({ differences: [], differences_in_all: 0 });
  });

  it('where a tombstone has live jobs has them count, for all above it too', async () => {
    await makeWorld();
    harm(`update tenant set deleted_at = 1 where name in ('shop', 'web')`);
    expect(await found()).toEqual([]);
    harm(`update balance set used = 0 where ${at('eng', 'spot', 'jobs')}`);
    expect(await found()).toEqual(['eng/spot jobs 0 → 1']);
  });

  it('of a resource that left the catalogue counts until its jobs have ended', async () => {
    await call(applySettings, { resources: [{ name: 'tape', default_limit: null }] });
    await makeTenant(call, 'acme');
    await call(admitJob, { tenant: 'acme', job_id: 'a', tape: 2 });
    await call(applySettings, {});
    expect(await found()).toEqual([]);
    harm(`update balance set used = 5 where ${at('acme', '-', 'tape')}`);
    const verification = await call(verifyUsage, {});
    expect(say(verification)).toEqual(['acme/- tape 5 → 2']);
    expect(verification.units['tape']).toBe('count');
    await call(repairUsage, {});
    await call(releaseJob, { job: 'acme:a' });
    expect(await found()).toEqual([]);
  });

  it('in which tenants stand in a circle is refused, and does not keep us for ever', async () => {
    await makeWorld();
    harm(`update tenant set parent = ${key('tenant', 'shop')} where name = 'eng'`);
    expect(await refusal(call(verifyUsage, {}))).toEqual({
      code: 'database',
      message: 'Database error: some tenants stand in a circle, each below the next',
      hint: 'Something other than hodei changed it.',
    });
    const before = dump(hodei.path);
    expect((await refusal(call(repairUsage, {}))).code).toBe('database');
    expect(dump(hodei.path)).toEqual(before);
  });

  it('whose jobs hold more than can be counted is refused, and nothing is repaired', async () => {
    await makeWorld();
    harm(`update balance set used = 4 where ${at('web', '-', 'cpu_m')}`);
    harm(`update job_resource set amount = 9007199254740991 where resource = ${resource('cpu_m')}`);
    const before = dump(hodei.path);
    for (const operation of [verifyUsage, repairUsage]) {
      expect((await refusal(call(operation, {}))).message).toBe(
        'Database error: live jobs hold more of a resource than 2^53-1',
      );
    }
    expect(dump(hodei.path)).toEqual(before);
  });

  it('is exact up to the largest amount', async () => {
    await makeWorld();
    const most = Number.MAX_SAFE_INTEGER;
    harm(
      `delete from job_resource where resource = ${resource('cpu_m')};
       insert into job_resource select id, ${resource('gpu')}, case job_id
         when 'a' then 4503599627370496 when 'b' then 4503599627370494 else 1 end from job`,
    );
    await call(repairUsage, {});
    expect((await call(getUsage, { tenant: 'eng' })).total['gpu']).toBe(most);
    harm(`update balance set used = ${most - 1} where ${at('eng', '-', 'gpu')}`);
    expect(await found()).toEqual([`eng/- gpu ${most - 1} → ${most}`]);
  });
});

describe.each(doors)('usage repair ($name call)', (door) => {
  const behind = useDoor(door);

  it('of a ledger that agrees changes nothing, and leaves no event', async () => {
    await makeLine(behind.call, 'eng', 'web');
    await behind.call(admitJob, { tenant: 'web', cpu_m: 100 });
    const before = dump(behind.path);
    const answer = await behind.call(repairUsage, {});
    expect(answer).toEqual(await behind.call(verifyUsage, {}));
    expect(answer.differences_in_all).toBe(0);
    expect(dump(behind.path)).toEqual(before);
  });

  it('says in one event what was repaired, by whom and why', async () => {
    const { id } = await makeTenant(behind.call, 'acme');
    await behind.call(admitJob, { tenant: 'acme', cpu_m: 100 });
    harm(`update balance set used = 7 where ${at('acme', '-', 'cpu_m')}`, behind.path);
    const asked = behind.as({ reason: 'written past hodei', actingAs: 'ben' });
    await asked(repairUsage, {});
    const events = await behind.events();
    const balance = { tenant: 'acme', tenant_id: id, pool: null, resource: 'cpu_m' };
    expect(events.at(-1)).toMatchObject({
      ...{ operation: 'usage.repair', tenant: null, object: 'ledger' },
      ...{ principal: behind.principal, actingAs: 'ben', reason: 'written past hodei' },
      before: JSON.stringify({ balances: [{ ...balance, used: 7 }] }),
      after: JSON.stringify({ balances: [{ ...balance, used: 100 }], repaired: 1 }),
    });
    expect(findBreak({ sequence: 0, hash: GENESIS_HASH }, events)).toBeUndefined();
  });

  it('that is only tried changes nothing, and answers what it would repair', async () => {
    await makeTenant(behind.call, 'acme');
    behind.setUsed('acme', { cpu_m: 7 });
    const before = dump(behind.path);
    const tried = await behind.call(repairUsage, {}, { dryRun: true });
    expect(dump(behind.path)).toEqual(before);
    expect(await behind.call(repairUsage, {})).toEqual(tried);
    expect(tried.differences_in_all).toBe(1);
  });
});

describe('usage repair', () => {
  it('starts what waited for room that was only taken on paper', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'gpu', { max_size: 1, resources: { cpu_m: 1000 } });
    await call(setQuota, { tenant: 'acme', cpu_m: 1000 });
    harm(
      `insert into scope (tenant, pool, version, updated_at)
         values (null, ${key('pool', 'gpu')}, 1, 0);
       insert into balance values (${scope('-', 'gpu')}, ${resource('cpu_m')}, 1000);
       insert into balance values (${scope('acme')}, ${resource('cpu_m')}, 1000)`,
    );
    const { id } = await ask(call, 'gpu', 'a');
    const job = { job: String(id) };
    expect(await call(getJob, job)).toMatchObject({ state: 'queued' });
    expect(await call(repairUsage, {}, { dryRun: true })).toMatchObject({ differences_in_all: 2 });
    expect(await call(getJob, job)).toMatchObject({ state: 'queued' });
    await call(repairUsage, {});
    expect(await call(getJob, job)).toMatchObject({ state: 'admitted', mark: 'promoted' });
    expect(await found()).toEqual([]);
  });

  it('mends a ledger in which nothing overdue can be settled any more', async () => {
    await makeWorld();
    await call(admitJob, { tenant: 'shop', job_id: 'd', cpu_m: 100, ttl_seconds: 60 });
    harm(`update balance set used = 0 where ${at('shop', '-', 'cpu_m')}`);
    hodei.clock.advance(60_000);
    // To take away what is not there is refused by the database, and with it every change.
    const [refused, repaired] = await Promise.all([
      refusal(makeTenant(call, 'acme')),
      call(repairUsage, {}),
      makeTenant(call, 'later'),
    ]);
    expect(refused.code).toBe('database');
    expect(say(repaired)).toEqual(['shop/- cpu_m 0 → 1600']);
    const operations = (await hodei.events()).map(({ operation }) => operation).slice(-3);
    expect(operations).toEqual(['usage.repair', 'job.expire', 'tenant.create']);
    expect(await found()).toEqual([]);
  });

  it('among other calls is done between those before and those after it', async () => {
    await makeWorld();
    harm(`update balance set used = 9 where ${at('eng', '-', 'cpu_m')}`);
    const answers = await Promise.all([
      call(admitJob, { tenant: 'beta', job_id: 'x', cpu_m: 1 }),
      call(repairUsage, {}),
      call(admitJob, { tenant: 'beta', job_id: 'y', cpu_m: 1 }),
      call(repairUsage, {}),
      call(cancelJob, { job: 'beta:y' }).catch(() => 'refused'),
    ]);
    expect(answers[1].differences_in_all).toBe(1);
    expect(answers[3].differences_in_all).toBe(0);
    const operations = (await hodei.events()).map(({ operation }) => operation).slice(-4);
    expect(operations).toEqual(['job.admit', 'usage.repair', 'quota.notice', 'job.admit']);
  });
});

describe('a large ledger', () => {
  /** Each under the one before it. */
  const line = (length: number) =>
    Array.from({ length }, (_, i) => ({ parent: i === 0 ? null : i }));
  const job = (tenant: number) => ({
    ...{ tenant, pool: 1, state: 'admitted' },
    amounts: { 1: tenant, 4: 1 },
  });

  it('is compared down to the deepest tenant', async () => {
    const tenants = line(1_200);
    const jobs = [job(1_200), job(600), job(1)];
    const sums = explained({ tenants, jobs });
    writeRows(hodei.path, { tenants, jobs, balances: balancesFrom(sums) });
    expect(await call(verifyUsage, {})).toMatchObject({ jobs: 3, differences_in_all: 0 });
    harm(`update balance set used = used + 1 where ${at('t1', 'default', 'cpu_m')}`);
    expect(await found()).toEqual(['t1/default cpu_m 1802 → 1801']);
  });

  it('is compared as one whose tenants were created from the leaf to the root', async () => {
    const count = 2_500;
    const tenants = Array.from({ length: count }, (_, i) => ({
      parent: i + 1 === count ? null : Math.min(count, i + 1 + 1 + (i % 900)),
    }));
    const jobs = Array.from({ length: count }, (_, i) => job(i + 1));
    const balances = balancesFrom(explained({ tenants, jobs }));
    writeRows(hodei.path, { tenants, jobs, balances });
    expect(await call(verifyUsage, {})).toMatchObject({
      ...{ balances: balances.length, jobs: count, differences_in_all: 0 },
    });
  });

  it('has its first thousand differences listed, and all of them counted and repaired', async () => {
    const tenants = Array.from({ length: 1_500 }, (_, i) => ({ parent: i === 0 ? null : 1 }));
    const jobs = tenants.map((_, i) => job(i + 1));
    const sums = explained({ tenants, jobs });
    writeRows(hodei.path, { tenants, jobs, balances: [] });
    const verification = await call(verifyUsage, {});
    expect(verification.differences).toHaveLength(1_000);
    expect(verification).toMatchObject({
      ...{ differences_in_all: sums.size, balances: sums.size, rows: jobs.length },
    });
    expect(await call(repairUsage, {})).toEqual(verification);
    expect(balancesIn(hodei.path)).toEqual(sums);
    const after = JSON.parse((await hodei.events()).at(-1)?.after ?? '') as {
      balances: unknown[];
      repaired: number;
    };
    expect([after.balances.length, after.repaired]).toEqual([1_000, sums.size]);
  });
});
