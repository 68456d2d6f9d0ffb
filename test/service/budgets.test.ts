import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import { lookAtBudgets, tellOfBudgets } from '../../src/service/budget-looks.ts';
import {
  correctBudget,
  creditBudget,
  getBudget,
  listBudgetEntries,
  listBudgets,
  setBudget,
  unsetBudget,
} from '../../src/service/budgets.ts';
import { reportCost } from '../../src/service/costs.ts';
import { explainJob } from '../../src/service/explain.ts';
import { checkJob, getJob, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { setRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { countBudgets } from '../helpers/budgets.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** What one job of the tests costs: a core, at a unit of the currency, for an hour. */
const CORE_HOUR = 1_000_000;
const hour = { cpu_m: 1000, ttl_seconds: 3600 };

let hodei: TestService;

beforeEach(async () => {
  hodei = await testService();
  const { call } = hodei;
  await call(setRate, { resource: 'cpu_m', price_micro: CORE_HOUR });
  await makeTenant(call, 'eng');
  await makeTenant(call, 'acme', { parent: 'eng' });
  for (const tenant of ['eng', 'acme']) {
    await call(setQuota, { tenant, cpu_m: null, max_concurrent_jobs: null });
  }
});
afterEach(() => hodei.close());

/** A budget of so many core-hours. */
function give(tenant: string, coreHours: number, more: object = { on_exceeded: 'block' }) {
  return hodei.call(setBudget, { tenant, monthly_micro: coreHours * CORE_HOUR, ...more });
}

const because = () => hodei.as({ reason: 'a test' });

async function alerts(): Promise<string[]> {
  const names = (await hodei.events()).map(({ operation }) => operation);
  return names.filter((name) => /^budget\.(warning|critical|exceeded)$/.test(name));
}

async function stateOf(job: { readonly id: string | null }) {
  return (await hodei.call(getJob, { job: idOf(job) })).state;
}

describe('a budget that blocks', () => {
  it('admits what it pays for to the last millionth, and nothing beyond', async () => {
    await give('acme', 2);
    expect((await admit(hodei.call, 'acme', hour)).state).toBe('admitted');
    expect((await admit(hodei.call, 'acme', hour)).state).toBe('admitted');
    const more = await admit(hodei.call, 'acme', { cpu_m: 1, ttl_seconds: 1 });
    expect(more).toMatchObject({ state: 'rejected', code: 'over_budget', retryable: true });
  });

  it('counts what running jobs are committed to, so that two at once do not overrun it', async () => {
    await give('acme', 1.5);
    const both = await Promise.all([
      admit(hodei.call, 'acme', hour),
      admit(hodei.call, 'acme', hour),
    ]);
    expect(both.map(({ state }) => state)).toEqual(['admitted', 'rejected']);
    expect(both[1].violations).toEqual([
      {
        scope: { tenant: 'acme', pool: null },
        resource: null,
        limit: 1_500_000,
        used: 1_000_000,
        requested: 1_000_000,
        over_by: 500_000,
        code: 'over_budget',
      },
    ]);
  });

  it('commits what has no lease to the end of the month', async () => {
    // It is Monday the 23rd: what is left of November is more than a week.
    await give('acme', 24 * 7);
    const endless = await admit(hodei.call, 'acme', { cpu_m: 1000 });
    expect(endless).toMatchObject({ state: 'rejected', code: 'over_budget' });
    await give('acme', 24 * 8);
    expect((await admit(hodei.call, 'acme', { cpu_m: 1000 })).state).toBe('admitted');
  });

  it('of a lease that goes beyond the month pays only for this month', async () => {
    await give('acme', 24 * 8);
    const long = { cpu_m: 1000, ttl_seconds: 30 * 86_400 };
    expect((await admit(hodei.call, 'acme', long)).state).toBe('admitted');
  });

  it('takes back what a job that ends early was committed to', async () => {
    await give('acme', 1);
    const job = await admit(hodei.call, 'acme', hour);
    hodei.clock.advance(HOUR / 4);
    await hodei.call(releaseJob, { job: idOf(job) });
    const half = { cpu_m: 1000, ttl_seconds: 2700 };
    expect((await admit(hodei.call, 'acme', { ...half, ttl_seconds: 2701 })).state).toBe(
      'rejected',
    );
    expect((await admit(hodei.call, 'acme', half)).state).toBe('admitted');
  });

  it('never stops a renewal, which counts', async () => {
    await give('acme', 1);
    const job = await admit(hodei.call, 'acme', hour);
    const renewed = await hodei.call(renew, { job: idOf(job), ttl_seconds: 7200 });
    expect(renewed.state).toBe('admitted');
    const { committed_micro: committed } = await hodei.call(getBudget, { tenant: 'acme' });
    expect(committed).toBe(2 * CORE_HOUR);
  });

  it('refuses a job to grow beyond it, and lets it shrink above it', async () => {
    await give('acme', 2);
    const { id } = await admit(hodei.call, 'acme', hour);
    const job = id ?? '';
    const grown = await hodei.call(resizeJob, { job, cpu_m: 2001 });
    expect(grown).toMatchObject({ state: 'rejected', code: 'over_budget' });
    expect((await hodei.call(resizeJob, { job, cpu_m: 2000 })).state).toBe('admitted');
    await give('acme', 1);
    expect((await hodei.call(resizeJob, { job, cpu_m: 1500 })).resources['cpu_m']).toBe(1500);
  });

  it('admits what costs nothing, also when it is used up', async () => {
    await give('acme', 1);
    await admit(hodei.call, 'acme', hour);
    await hodei.call(setRate, { resource: 'memory_mb', price_micro: 0 });
    const free = { memory_mb: 1024, ttl_seconds: 60 };
    expect((await admit(hodei.call, 'acme', free)).state).toBe('admitted');
  });

  it('binds all below its tenant', async () => {
    await give('eng', 1);
    const refused = await admit(hodei.call, 'acme', { ...hour, ttl_seconds: 3601 });
    expect(refused.violations?.[0]?.scope).toEqual({ tenant: 'eng', pool: null });
    expect((await admit(hodei.call, 'acme', hour)).state).toBe('admitted');
    expect((await admit(hodei.call, 'eng', hour)).state).toBe('rejected');
  });

  it('is not what a check takes anything from', async () => {
    await give('acme', 1);
    expect((await hodei.call(checkJob, { tenant: 'acme', ...hour })).state).toBe('admitted');
    expect((await admit(hodei.call, 'acme', hour)).state).toBe('admitted');
    expect((await hodei.call(checkJob, { tenant: 'acme', ...hour })).code).toBe('over_budget');
  });

  it('with warn lets everything pass', async () => {
    await give('acme', 1, {});
    for (let i = 0; i < 3; i++)
      expect((await admit(hodei.call, 'acme', hour)).state).toBe('admitted');
  });

  it('is switched off with cost tracking', async () => {
    await give('acme', 1);
    const document = settingsDocument(defaultSettings);
    const cost_tracking = { ...document.cost_tracking, enabled: false };
    await hodei.call(applySettings, { cost_tracking });
    expect((await admit(hodei.call, 'acme', { cpu_m: 1000 })).state).toBe('admitted');
    const off = await refusal(hodei.call(getBudget, { tenant: 'acme' }));
    expect(off).toMatchObject({ code: 'conflict' });
  });
});

describe('a job that waits for a budget', () => {
  it('starts when another one gives back what it was committed to', async () => {
    await give('acme', 1);
    const first = await admit(hodei.call, 'acme', hour);
    const waiting = await enqueue(hodei.call, 'acme', { ...hour, ttl_seconds: 1800 });
    expect(waiting).toMatchObject({ state: 'queued', code: 'over_budget' });
    hodei.clock.advance(HOUR / 2);
    await hodei.call(releaseJob, { job: idOf(first) });
    expect(await stateOf(waiting)).toBe('admitted');
  });

  it('is committed to its whole lease from its start, not only until it is claimed', async () => {
    await give('acme', 1);
    const first = await admit(hodei.call, 'acme', hour);
    const waiting = await enqueue(hodei.call, 'acme', hour);
    const other = await enqueue(hodei.call, 'acme', { ...hour, ttl_seconds: 300 });
    await hodei.call(releaseJob, { job: idOf(first) });
    expect([await stateOf(waiting), await stateOf(other)]).toEqual(['admitted', 'queued']);
  });

  it.each([
    ['a credit', () => because()(creditBudget, { tenant: 'acme', amount_micro: CORE_HOUR })],
    ['a correction', () => because()(correctBudget, { tenant: 'acme', amount_micro: -CORE_HOUR })],
    ['a higher budget', () => give('acme', 2)],
    ['one that only warns', () => give('acme', 1, { on_exceeded: 'warn' })],
    ['none any more', () => hodei.call(unsetBudget, { tenant: 'acme' })],
    ['a lower rate', () => hodei.call(setRate, { resource: 'cpu_m', price_micro: 1 })],
    ['a shorter lease of another', () => shortenFirst()],
    ['less that another holds', () => shrinkFirst()],
  ])('starts with %s', async (_, change) => {
    await give('acme', 1);
    await admit(hodei.call, 'acme', { ...hour, job_id: 'first' });
    const waiting = await enqueue(hodei.call, 'acme', { ...hour, ttl_seconds: 600 });
    expect(waiting.state).toBe('queued');
    await change();
    await hodei.call(setQuota, { tenant: 'eng', gpu: 1 });
    expect(await stateOf(waiting)).toBe('admitted');
  });

  const shortenFirst = () => hodei.call(renew, { job: 'acme:first', ttl_seconds: 60 });
  const shrinkFirst = () => hodei.call(resizeJob, { job: 'acme:first', cpu_m: 1 });

  it('starts in a new month', async () => {
    await give('acme', 1);
    await admit(hodei.call, 'acme', hour);
    const patience = 20 * 86_400;
    const waiting = await enqueue(hodei.call, 'acme', { ...hour, queue_ttl_seconds: patience });
    hodei.clock.advance(Date.UTC(2026, 11, 1) - hodei.clock.now() - 1);
    await hodei.call(setQuota, { tenant: 'eng', gpu: 1 });
    expect(await stateOf(waiting)).toBe('queued');
    hodei.clock.advance(1);
    await hodei.call(setQuota, { tenant: 'eng', gpu: 2 });
    expect(await stateOf(waiting)).toBe('admitted');
  });

  it('starts when its tenant is moved from under the budget', async () => {
    await give('eng', 1);
    await admit(hodei.call, 'acme', hour);
    const waiting = await enqueue(hodei.call, 'acme', hour);
    await hodei.call(updateTenant, { tenant: 'acme', parent: null });
    await hodei.call(setQuota, { tenant: 'eng', gpu: 2 });
    expect(await stateOf(waiting)).toBe('admitted');
  });

  it('lets others pass that it pays for, and is not in anybody’s way', async () => {
    await give('acme', 1);
    const first = await admit(hodei.call, 'acme', hour);
    const large = await enqueue(hodei.call, 'acme', { ...hour, ttl_seconds: 7200 });
    const small = await enqueue(hodei.call, 'acme', { ...hour, ttl_seconds: 1200 });
    hodei.clock.advance(HOUR / 2);
    await hodei.call(releaseJob, { job: idOf(first) });
    expect([await stateOf(large), await stateOf(small)]).toEqual(['queued', 'admitted']);
    expect(await hodei.store.read((tables) => tables.wakeups.isAny())).toBe(false);
    const next = await admit(hodei.call, 'acme', { ...hour, ttl_seconds: 600 });
    expect(next.state).toBe('admitted');
  });

  it('is explained with the numbers of the budget', async () => {
    await give('acme', 1);
    await admit(hodei.call, 'acme', hour);
    const waiting = await enqueue(hodei.call, 'acme', hour);
    hodei.clock.advance(HOUR / 2);
    const { now } = await hodei.call(explainJob, { job: idOf(waiting) });
    expect(now).toMatchObject({ outcome: 'queued', code: 'over_budget', raises: [] });
    expect(now?.violations[0]).toMatchObject({ used: CORE_HOUR, over_by: CORE_HOUR });
  });
});

describe('a threshold', () => {
  const pass = async (ms: number) => {
    hodei.clock.advance(ms);
    await hodei.call(setQuota, { tenant: 'eng', gpu: hodei.clock.now() });
  };

  it('is told of once, when what was spent reaches it', async () => {
    await give('acme', 10, { warn_percent: 50, critical_percent: 80 });
    await admit(hodei.call, 'acme', { cpu_m: 1000, ttl_seconds: 86_400 });
    await pass(5 * HOUR - 1);
    expect(await alerts()).toEqual([]);
    await pass(120_001);
    expect(await alerts()).toEqual(['budget.warning']);
    await pass(120_001);
    await pass(120_001);
    expect(await alerts()).toEqual(['budget.warning']);
    await pass(6 * HOUR);
    expect(await alerts()).toEqual(['budget.warning', 'budget.critical', 'budget.exceeded']);
    await pass(120_001);
    expect(await alerts()).toHaveLength(3);
  });

  it('is told of again in a new month', async () => {
    await give('acme', 1, {});
    await admit(hodei.call, 'acme', { cpu_m: 1000 });
    await pass(DAY);
    expect(await alerts()).toHaveLength(3);
    await pass(Date.UTC(2026, 11, 1) - hodei.clock.now() + 1);
    expect(await alerts()).toHaveLength(3);
    await pass(DAY);
    expect(await alerts()).toHaveLength(6);
  });

  it('is told of again after a credit has brought what was spent below it', async () => {
    await give('acme', 10, {});
    await admit(hodei.call, 'acme', hour);
    await because()(correctBudget, { tenant: 'acme', amount_micro: 8 * CORE_HOUR });
    expect(await alerts()).toEqual(['budget.warning']);
    await because()(creditBudget, { tenant: 'acme', amount_micro: CORE_HOUR });
    await because()(correctBudget, { tenant: 'acme', amount_micro: CORE_HOUR });
    expect(await alerts()).toEqual(['budget.warning', 'budget.warning']);
  });

  it('is told of at once where a lower budget has been reached already', async () => {
    await admit(hodei.call, 'acme', hour);
    hodei.clock.advance(HOUR);
    await give('acme', 1);
    expect(await alerts()).toEqual(['budget.warning', 'budget.critical', 'budget.exceeded']);
    const last = (await hodei.events()).findLast(
      ({ operation }) => operation === 'budget.exceeded',
    );
    expect(last?.principal).toBe('hodei');
    expect(JSON.parse(last?.after ?? '')).toMatchObject({ spent_micro: CORE_HOUR });
  });
});

describe('a look of a server', () => {
  const look = () => hodei.call(lookAtBudgets, {});

  /** Everything of it is spent, and it is time to look. */
  async function spend(): Promise<void> {
    await give('acme', 1, {});
    await admit(hodei.call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(HOUR);
  }

  it('does not tell of what a change has told of meanwhile', async () => {
    await spend();
    const seen = await look();
    await admit(hodei.call, 'acme', hour);
    expect(await alerts()).toHaveLength(3);
    await hodei.call(tellOfBudgets, { seen });
    await hodei.call(tellOfBudgets, { seen: await look() });
    expect(await alerts()).toHaveLength(3);
  });

  it('comes a minute before a change looks itself', async () => {
    await give('acme', 1, {});
    await admit(hodei.call, 'acme', { cpu_m: 1000 });
    hodei.clock.advance(60_000);
    await admit(hodei.call, 'acme', { cpu_m: 500_000, ttl_seconds: 100 });
    hodei.clock.advance(59_999);
    const seen = await look();
    await hodei.call(setQuota, { tenant: 'eng', gpu: 1 });
    expect(await alerts()).toEqual([]);
    await hodei.call(tellOfBudgets, { seen });
    expect(await alerts()).toHaveLength(3);
  });

  it('does not tell of what was credited after it', async () => {
    await spend();
    const seen = await look();
    await because()(creditBudget, { tenant: 'acme', amount_micro: CORE_HOUR });
    const before = await alerts();
    await hodei.call(tellOfBudgets, { seen });
    expect(await alerts()).toEqual(before);
  });

  it('keeps what was summed up where nothing has changed since', async () => {
    await spend();
    await hodei.call(setRate, { resource: 'cpu_m', price_micro: 5 });
    await hodei.call(tellOfBudgets, { seen: await look() });
    const [budget] = await countBudgets(hodei.store, hodei.clock.now());
    expect(budget?.kept).toBe(budget?.measured);
    expect((await look()).looks).toEqual([]);
  });
});

describe('a budget', () => {
  it('tells what was spent as the cost report does, and what is left', async () => {
    await give('eng', 10);
    await admit(hodei.call, 'acme', { cpu_m: 333, ttl_seconds: 7200 });
    hodei.clock.advance(1_234_567);
    await because()(creditBudget, { tenant: 'eng', amount_micro: 7 });
    await because()(correctBudget, { tenant: 'eng', amount_micro: -5 });
    const budget = await hodei.call(getBudget, { tenant: 'eng' });
    const { total_micro: total } = await hodei.call(reportCost, { tenant: 'eng' });
    expect(budget).toMatchObject({ cost_micro: total, credits_micro: 7, corrections_micro: -5 });
    expect(budget.spent_micro).toBe(total - 12);
    expect(budget.left_micro).toBe(10 * CORE_HOUR - 666_000 + 12);
  });

  it('keeps its credits and corrections, the newest first, also of past months', async () => {
    await give('acme', 10);
    await because()(creditBudget, { tenant: 'acme', amount_micro: 5 });
    hodei.clock.advance(30 * DAY);
    await because()(correctBudget, { tenant: 'acme', amount_micro: -3 });
    const { items } = await hodei.call(listBudgetEntries, { tenant: 'acme' });
    expect(items.map(({ kind, amount_micro: amount }) => [kind, amount])).toEqual([
      ['correction', -3],
      ['credit', 5],
    ]);
    expect(items[0]).toMatchObject({ reason: 'a test', principal: 'ana' });
    const budget = await hodei.call(getBudget, { tenant: 'acme' });
    expect(budget).toMatchObject({ credits_micro: 0, corrections_micro: -3 });
  });

  it('changes only in what is sent, and can be sent back as it was got', async () => {
    await give('acme', 10, { warn_percent: 12.5, on_exceeded: 'block' });
    const got = await hodei.call(setBudget, { tenant: 'acme', monthly_micro: 5 });
    expect(got).toMatchObject({ warn_percent: 12.5, on_exceeded: 'block', version: 2 });
    const again = await hodei.call(setBudget, { tenant: 'acme', ...got });
    expect(again.version).toBe(2);
    const reset = await hodei.call(setBudget, { tenant: 'acme', warn_percent: null });
    expect(reset).toMatchObject({ warn_percent: null, warn_at_micro: 4, version: 3 });
  });

  it('is refused to who saw an older version', async () => {
    await give('acme', 10);
    const stale = hodei.call(setBudget, { tenant: 'acme', monthly_micro: 5 }, { ifVersion: 0 });
    expect(await refusal(stale)).toMatchObject({ code: 'stale_version' });
  });

  it('goes with its tenant, and not with another of the name', async () => {
    await give('acme', 10);
    await hodei.call(deleteTenant, { tenant: 'acme' });
    await makeTenant(hodei.call, 'acme');
    const none = await refusal(hodei.call(getBudget, { tenant: 'acme' }));
    expect(none).toMatchObject({ code: 'not_found', message: 'acme has no budget.' });
    expect((await hodei.call(listBudgets, {})).items).toEqual([]);
  });

  it('is listed page by page, with what was spent of each', async () => {
    await give('eng', 10);
    await give('acme', 5);
    await admit(hodei.call, 'acme', hour);
    hodei.clock.advance(HOUR);
    const first = await hodei.call(listBudgets, { limit: 1 });
    const second = await hodei.call(listBudgets, { limit: 1, cursor: first.next_cursor ?? '' });
    const both = [...first.items, ...second.items];
    expect(both.map((each) => [each.tenant_name, each.spent_micro])).toEqual([
      ['eng', CORE_HOUR],
      ['acme', CORE_HOUR],
    ]);
    expect(second.next_cursor).toBeNull();
  });

  it('is not changed by who is bound to its tenant, and seen by nobody outside', async () => {
    await give('eng', 10);
    await give('acme', 5);
    const { id } = await hodei.store.read(async (tables) => {
      const row = await tables.tenants.byName('acme');
      if (row === undefined) throw new Error('there is no acme');
      return row;
    });
    const bound = hodei.as({ boundTo: id, reason: 'mine' });
    for (const change of [
      bound(setBudget, { tenant: 'acme', monthly_micro: 9 }),
      bound(unsetBudget, { tenant: 'acme' }),
      bound(creditBudget, { tenant: 'acme', amount_micro: 1 }),
      bound(correctBudget, { tenant: 'acme', amount_micro: 1 }),
    ]) {
      expect(await refusal(change)).toMatchObject({ code: 'forbidden' });
    }
    const { items } = await bound(listBudgets, {});
    expect(items.map(({ tenant_name: name }) => name)).toEqual(['acme']);
    const above = await refusal(bound(getBudget, { tenant: 'eng' }));
    expect(above).toMatchObject({ code: 'not_found' });
  });

  it.each([
    ['nothing', { monthly_micro: 0 }],
    ['less than nothing', { monthly_micro: -1 }],
    ['a part of a millionth', { monthly_micro: 0.5 }],
    ['more than can be told', { monthly_micro: 2 ** 53 }],
    ['a warning at nothing', { monthly_micro: 5, warn_percent: 0 }],
    ['a warning beyond all of it', { monthly_micro: 5, warn_percent: 101 }],
    ['a part of a per cent that is too small', { monthly_micro: 5, warn_percent: 0.000_01 }],
    ['critical before the warning', { monthly_micro: 5, warn_percent: 50, critical_percent: 40 }],
    ['only how it warns', { warn_percent: 50 }],
  ])('of %s is refused', async (_, budget) => {
    const refused = await refusal(hodei.call(setBudget, { tenant: 'acme', ...budget }));
    expect(refused).toMatchObject({ code: 'invalid' });
  });

  it('takes neither a credit of nothing, nor an entry without a reason or a budget', async () => {
    const entry = { tenant: 'acme', amount_micro: 5 };
    const none = await refusal(because()(creditBudget, entry));
    expect(none).toMatchObject({ code: 'not_found' });
    await give('acme', 1);
    for (const amount_micro of [0, -5, 1.5]) {
      const refused = await refusal(because()(creditBudget, { ...entry, amount_micro }));
      expect(refused).toMatchObject({ code: 'invalid' });
    }
    const nothing = await refusal(because()(correctBudget, { ...entry, amount_micro: 0 }));
    expect(nothing).toMatchObject({ code: 'invalid' });
    const unsaid = await refusal(hodei.call(creditBudget, entry));
    expect(unsaid).toMatchObject({ code: 'invalid', message: 'A credit wants a reason.' });
  });
});
