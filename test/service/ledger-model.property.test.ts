import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import { builtInResources, limitField, usageField } from '../../src/domain/resource.ts';
import { defaultSettings, type Settings } from '../../src/domain/settings.ts';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { listBursts } from '../../src/service/bursts.ts';
import type { JobView } from '../../src/service/job-view.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { ask } from '../helpers/ledger-ask.ts';
import { steps, type Step } from '../helpers/ledger-commands.ts';
import {
  apply,
  balancesOf,
  newModel,
  type Doing,
  type LedgerCommand,
  type ModelAnswer,
} from '../helpers/ledger-model.ts';
import { burstExpected, shownNow } from '../helpers/ledger-bursts.ts';
import type { ModelBurstRules } from '../helpers/ledger-lifts.ts';
import {
  CLAIM_SECONDS,
  decide,
  defaultLimits,
  QUEUE_SECONDS,
  Refused,
  resources,
  type LedgerModel,
  type ModelJob,
  type ModelScheduling,
  type Reason,
  type ResourceName,
} from '../helpers/ledger-rules.ts';
import { settle } from '../helpers/ledger-queue.ts';
import { ledgerService, type JobSeen, type LedgerService } from '../helpers/ledger-service.ts';

/** `HODEI_CAMPAIGN_SECONDS` makes it go on for so long, with longer sequences. */
const campaign = Number(process.env['HODEI_CAMPAIGN_SECONDS'] ?? 0);
const isCampaign = campaign > 0;
const sequences = steps(isCampaign ? 50 : 22);
const parameters = {
  numRuns: isCampaign ? Number.MAX_SAFE_INTEGER : 2_000,
  interruptAfterTimeLimit: isCampaign ? campaign * 1000 : 22_000,
  // Else most sequences would be short.
  plugins: [fc.unbiased()],
};

const lending: ModelBurstRules = {
  ...{ policy: 'reject', secondChoice: 'queue', threshold: 100, most: 200, required: 1 },
  ...{ cooldown: 1, perDay: 3, atOnce: 2, timeout: 5, notice: 1, duration: 5 },
};
const unbounded = { cooldown: 0, perDay: null, atOnce: null };
const never = { threshold: null, maxQueue: null, burst: lending };
const byItself = { ...lending, policy: 'burst' } as const;
/** One after the other, sequence by sequence. */
const schedulings: readonly ModelScheduling[] = [
  { strategy: 'fifo', ...never },
  {
    ...{ strategy: 'weighted_fair', threshold: null, maxQueue: null },
    burst: { ...byItself, ...unbounded, threshold: 150, required: 2 },
  },
  { strategy: 'priority', threshold: null, maxQueue: 3, burst: { ...lending, ...unbounded } },
  {
    ...{ strategy: 'weighted_fair', threshold: 60_000, maxQueue: 5 },
    burst: { ...byItself, secondChoice: 'reject', threshold: 150 },
  },
  {
    ...{ strategy: 'fifo', threshold: 60_000, maxQueue: null },
    burst: { ...lending, ...unbounded, policy: 'queue', threshold: 134, required: 2, atOnce: 3 },
  },
];

const settingsOf = ({ strategy, threshold, maxQueue, burst }: ModelScheduling): Settings => ({
  ...defaultSettings,
  ...{ violationPolicy: burst.policy, secondChoice: burst.secondChoice },
  burstCapacity: {
    ...defaultSettings.burstCapacity,
    enabled: true,
    defaultPolicy: { maxOveragePercentage: burst.most, durationMinutes: burst.duration },
    ...{ mostAtOnce: burst.atOnce, mostPerTenantAndDay: burst.perDay },
    ...{ cooldownMinutes: burst.cooldown, noticeMinutes: burst.notice },
    approval: {
      ...{ autoApproveThreshold: burst.threshold, required: burst.required },
      ...{ approvers: [], timeoutMinutes: burst.timeout },
    },
  },
  scheduling: {
    fairQueuing: {
      enabled: true,
      windowMinutes: 0,
      starvationPrevention: threshold !== null,
      starvationThresholdMinutes: (threshold ?? 60_000) / 60_000,
    },
    ...{ strategy, maxQueueSize: maxQueue },
  },
  resources: [
    ...builtInResources.map((resource) => ({
      ...resource,
      defaultLimit: resource.name === 'cpu_m' ? defaultLimits.cpu_m : null,
    })),
    { name: 'gpu.big', unit: 'count', defaultLimit: null },
  ],
  defaultTenantQuota: {},
  jobs: { defaultTtlSeconds: null, claimSeconds: CLAIM_SECONDS, queueTtlSeconds: QUEUE_SECONDS },
});

let hodei: LedgerService;
const services: LedgerService[] = [];
beforeAll(async () => {
  for (const each of schedulings) services.push(await ledgerService(settingsOf(each)));
});
afterAll(async () => {
  for (const each of services) await each.close();
});

/** A sequence and the place of the scheduling with which it is played. */
const played = fc.tuple(sequences, fc.nat({ max: schedulings.length - 1 }));

/** The model beside the service, and how far the events were read. */
interface Pair {
  readonly model: LedgerModel;
  head: { sequence: number; hash: string };
  /** So many events of the model were compared. */
  compared: number;
}

it(
  'whatever happens to tenants, limits, pools and jobs, hodei and a model that only adds up agree',
  () => fc.assert(fc.asyncProperty(played, play), parameters),
  campaign * 1000 + 60_000,
);

it('the sequences leave nothing out that can happen', () => {
  const seen = new Set<string>();
  for (const sequence of fc.sample(sequences, { ...parameters, numRuns: 1_000, seed: 1 })) {
    const burst = { ...byItself, threshold: 134 };
    const model = newModel(0, { strategy: 'weighted_fair', threshold: 60_000, maxQueue: 3, burst });
    for (const { command } of sequence as readonly Step[]) {
      if (isOfNothing(model, command)) continue;
      const { made, opened, state, isReplayed, code, refused } = outcomeOf(model, command);
      if (made !== undefined) made.id = `id-${model.events.length}`;
      if (opened !== undefined) seen.add('opened');
      if (isReplayed === true) seen.add(`${command.do} again: ${state}`);
      if (refused !== undefined) seen.add(`${command.do}: ${refused}`);
      if (code !== undefined) seen.add(`${state}: ${code}`);
    }
    for (const { operation } of model.events) seen.add(operation);
  }
  const missing = [...operations, ...decisions, ...refusals].filter((each) => !seen.has(each));
  expect(missing).toEqual([]);
});

const operations = [
  ...['job.admit', 'job.queue', 'job.reject', 'job.promote', 'job.release', 'job.cancel'],
  ...['job.expire', 'job.evict', 'job.renew', 'job.resize', 'quota.set', 'quota.unset'],
  ...['tenant.create', 'tenant.update', 'tenant.suspend', 'tenant.resume', 'tenant.delete'],
  ...['pool.create', 'pool.update', 'pool.hold', 'pool.resume', 'pool.delete'],
  ...['burst.request', 'burst.approve', 'burst.deny', 'burst.cancel', 'burst.end'],
  ...['burst.begin', 'burst.notice', 'burst.expire', 'burst.lapse'],
];
const decisions = [
  'opened',
  ...['queued: reserved', 'rejected: reserved', 'rejected: queue_full'],
  ...['rejected: suspended', 'rejected: impossible', 'rejected: over_quota'],
  ...['rejected: over_capacity', 'rejected: pool_held', 'queued: over_quota'],
  ...['queued: over_capacity', 'queued: pool_held'],
  ...['admit again: admitted', 'admit again: queued', 'resize again: admitted'],
  ...['release again: released', 'release again: expired', 'cancel again: cancelled'],
];
const refusals = [
  ...['admit: conflict', 'admit: invalid', 'admit: not_found', 'release: conflict'],
  ...['cancel: conflict', 'renew: conflict', 'resize: conflict', 'resize: invalid'],
  ...['burst: conflict', 'burst: invalid', 'burst: not_found', 'approve: conflict'],
  ...['approve: forbidden', 'deny: conflict', 'cancelBurst: conflict', 'endBurst: conflict'],
  ...['move: conflict', 'delete: conflict', 'deletePool: conflict', 'updatePool: invalid'],
];

async function play([sequence, number]: readonly [readonly Step[], number]): Promise<void> {
  const [service, scheduling] = [services[number], schedulings[number]];
  if (service === undefined || scheduling === undefined) throw new Error('there is no such one');
  hodei = service;
  hodei.reset();
  const pair: Pair = {
    model: newModel(hodei.clock.now(), scheduling),
    head: { sequence: 0, hash: GENESIS_HASH },
    compared: 0,
  };
  for (const step of sequence) await doBoth(pair, step);
  await drain(pair);
}

/** Everything that runs is released until nothing does: then who still waits could not run alone. */
async function drain(pair: Pair): Promise<void> {
  for (;;) {
    // Refused, but as every change it settles first what time has brought about.
    await doBoth(pair, { command: { do: 'resume', tenant: 'nobody' }, isDry: false });
    const job = pair.model.jobs.findIndex(({ state }) => state === 'admitted');
    if (job === -1) break;
    await doBoth(pair, { command: { do: 'release', job }, isDry: false });
  }
  expect(hodei.look().balances).toEqual([]);
  const alone = { ...pair.model, kept: [] };
  for (const job of pair.model.jobs) {
    if (job.state === 'queued') expect(decide(alone, job).outcome).toBe('rejected');
  }
}

async function doBoth(pair: Pair, { command, isDry }: Step): Promise<void> {
  const { model } = pair;
  if (isOfNothing(model, command)) return;
  if (command.do === 'look') return look(model, command);
  if (command.do === 'advance') hodei.clock.advance(command.seconds * 1000);
  if (command.do === 'restart') await hodei.restart();
  const asked = ask(hodei, model, command, { dryRun: isDry });
  // What runs out is settled with a dry run too; only what it does itself is undone.
  if (isDry && asked !== undefined) settle(model);
  const expected = outcomeOf(
    isDry && asked !== undefined ? structuredClone(model) : model,
    command,
  );
  const [actual, id, lent] = asked === undefined ? [{}] : await answerTo(command, asked);
  same(actual, plain(expected));
  if (id !== undefined && !isDry && expected.made !== undefined) expected.made.id = id;
  if (expected.opened !== undefined) expected.opened.id = lent ?? '';
  compare(pair);
}

/** About one of those that there were, and there was none yet. */
function isOfNothing({ jobs, bursts }: LedgerModel, command: LedgerCommand): boolean {
  if ('job' in command) return jobs.length === 0;
  return 'burst' in command && bursts.length === 0;
}

/** What is read, as of now: nothing of it is written. */
async function look(model: LedgerModel, command: Doing<'look'>): Promise<void> {
  const tenant = model.tenants.find(({ name }) => name === command.tenant);
  const pool = model.pools.find(({ name }) => name === command.pool) ?? null;
  if (tenant === undefined || (pool === null && command.pool !== null)) return;
  const { items } = await hodei.call(listBursts, { state: 'all', limit: 500 });
  const asked = { tenant: tenant.name, pool: pool?.name };
  const quota: Record<string, unknown> = await hodei.call(getQuota, asked);
  const { current_usage, effective, bursts } = quota as unknown as QuotaSeen;
  const lending = bursts.map(({ id, ends_at }) => [id, Date.parse(ends_at)]);
  const expected = shownNow(model, { tenant, pool });
  const named = Object.entries(expected.effective).map(([name, limit]) => [
    limitField(name),
    limit,
  ]);
  same(
    {
      states: items.map(({ id, state }) => `${id} ${state}`).reverse(),
      limits: resources.map((name) => quota[limitField(name)]),
      used: resources.map((name) => current_usage[usageField(name)]),
      effective,
      lending: lending.sort(),
    },
    { ...expected, effective: Object.fromEntries(named) },
  );
}

interface QuotaSeen {
  readonly current_usage: Readonly<Record<string, number>>;
  readonly effective: Readonly<Record<string, number>>;
  readonly bursts: readonly { readonly id: string; readonly ends_at: string }[];
}

function outcomeOf(model: LedgerModel, command: LedgerCommand): ModelAnswer & { refused?: string } {
  try {
    return apply(model, command);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refused: error.message };
  }
}

function plain({ made: _, opened: __, started, ...rest }: ModelAnswer) {
  return { ...rest, ...(started !== undefined && { started: started.map(({ id }) => id) }) };
}

/** What an answer says of all that the model knows, and the id of what it is about. */
async function answerTo(
  command: LedgerCommand,
  asked: Promise<unknown>,
): Promise<[answer: object, id?: string | undefined, lent?: string | null | undefined]> {
  let answer: Partial<AnyAnswer>;
  try {
    answer = (await asked) ?? {};
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return [{ refused: error.code }, undefined];
  }
  const { id, state, replayed, code, retryable, effects } = answer;
  if (effects !== undefined) return [{ started: effects.started.map((job) => job.id) }, undefined];
  const isOfBurst = command.do === 'burst' || 'burst' in command;
  if (isOfBurst) return [{ state }, id ?? undefined];
  const isOfJob = ['admit', 'resize', 'release', 'cancel', 'renew'].includes(command.do);
  if (!isOfJob) return [{}, id ?? undefined];
  if (replayed === true) return [{ state, isReplayed: true }, undefined];
  const isDecided = ['admit', 'resize'].includes(command.do) && code !== undefined;
  const decision = { code, isRetryable: retryable, violations: answer.violations?.map(reasonSeen) };
  return [{ state, ...(isDecided && decision) }, id ?? undefined, answer.burst];
}

interface AnyAnswer extends JobView {
  readonly effects: { readonly started: readonly { readonly id: string }[] };
}

function reasonSeen(violation: NonNullable<JobView['violations']>[number]): Reason {
  const { scope, resource, limit, base, used, requested, over_by: overBy, code } = violation;
  const name = `${scope.tenant ?? '-'}/${scope.pool ?? '-'}`;
  const numbers = { limit, base: base ?? null, used, requested, overBy };
  return { scope: name, resource: resource as ResourceName | null, ...numbers, code };
}

function compare(pair: Pair): void {
  const { model } = pair;
  const { jobs, bursts, balances, stray } = hodei.look();
  same(jobs, model.jobs.map(jobExpected));
  same(
    bursts,
    model.bursts.map((burst) => burstExpected(burst, model)),
  );
  same(balances, balancesOf(model));
  same(stray, []);
  const events = hodei.eventsAfter(pair.head.sequence);
  // Who is told of limits has a model of its own.
  const changes = events.filter(({ operation }) => operation !== 'quota.notice');
  same(
    changes.map(({ operation, object }) => {
      return `${operation} ${operation === 'job.reject' ? '*' : object}`;
    }),
    model.events.slice(pair.compared).map(({ operation, object }) => {
      return `${operation} ${typeof object === 'string' ? object : object.id}`;
    }),
  );
  same(findBreak(pair.head, events), undefined);
  pair.head = events.at(-1) ?? pair.head;
  pair.compared = model.events.length;
}

function jobExpected({ id, state, dueAt, endedAt, isClaimDue }: ModelJob): JobSeen {
  return { id, state, due_at: dueAt, ended_at: endedAt, claim_due: isClaimDue ? 1 : 0 };
}

/** As `toEqual`, which is too slow for what is equal nearly always. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}
