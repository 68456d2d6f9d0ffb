import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import { builtInResources, limitField } from '../../src/domain/resource.ts';
import { defaultSettings, type Settings } from '../../src/domain/settings.ts';
import { findBreak, GENESIS_HASH } from '../../src/service/event-log.ts';
import { admitJob, cancelJob, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import type { JobView } from '../../src/service/job-view.ts';
import type { Call, CallOptions } from '../../src/service/operation.ts';
import {
  createPool,
  deletePool,
  holdPool,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import { setQuota, unsetQuota } from '../../src/service/quotas.ts';
import {
  createTenant,
  deleteTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { steps, type Step } from '../helpers/ledger-commands.ts';
import {
  apply,
  balancesOf,
  jobAt,
  newModel,
  type AdmitCommand,
  type LedgerCommand,
  type ModelAnswer,
} from '../helpers/ledger-model.ts';
import {
  CLAIM_SECONDS,
  decide,
  defaultLimits,
  QUEUE_SECONDS,
  Refused,
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

const never = { threshold: null, maxQueue: null };
/** One after the other, sequence by sequence. */
const schedulings: readonly ModelScheduling[] = [
  { strategy: 'fifo', ...never },
  { strategy: 'weighted_fair', ...never },
  { strategy: 'priority', threshold: null, maxQueue: 3 },
  { strategy: 'weighted_fair', threshold: 60_000, maxQueue: 5 },
  { strategy: 'fifo', threshold: 60_000, maxQueue: null },
];

const settingsOf = ({ strategy, threshold, maxQueue }: ModelScheduling): Settings => ({
  ...defaultSettings,
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
}

it(
  'whatever happens to tenants, limits, pools and jobs, hodei and a model that only adds up agree',
  () => fc.assert(fc.asyncProperty(played, play), parameters),
  campaign * 1000 + 60_000,
);

it('the sequences leave nothing out that can happen', () => {
  const seen = new Set<string>();
  for (const sequence of fc.sample(sequences, { ...parameters, numRuns: 1_000, seed: 1 })) {
    const model = newModel(0, { strategy: 'weighted_fair', threshold: 60_000, maxQueue: 3 });
    for (const { command } of sequence as readonly Step[]) {
      if ('job' in command && model.jobs.length === 0) continue;
      const { made, state, isReplayed, code, refused } = outcomeOf(model, command);
      if (made !== undefined) made.id = `id-${model.events.length}`;
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
];
const decisions = [
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
  if ('job' in command && model.jobs.length === 0) return;
  if (command.do === 'advance') hodei.clock.advance(command.seconds * 1000);
  if (command.do === 'restart') await hodei.restart();
  const asked = ask(hodei.call, model, command, { dryRun: isDry });
  // What runs out is settled with a dry run too; only what it does itself is undone.
  if (isDry && asked !== undefined) settle(model);
  const expected = outcomeOf(
    isDry && asked !== undefined ? structuredClone(model) : model,
    command,
  );
  const [actual, id] = asked === undefined ? [{}, undefined] : await answerTo(command, asked);
  same(actual, plain(expected));
  if (id !== undefined && !isDry && expected.made !== undefined) expected.made.id = id;
  compare(pair);
}

function outcomeOf(model: LedgerModel, command: LedgerCommand): ModelAnswer & { refused?: string } {
  try {
    return apply(model, command);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refused: error.message };
  }
}

function plain({ made: _, started, ...rest }: ModelAnswer) {
  return { ...rest, ...(started !== undefined && { started: started.map(({ id }) => id) }) };
}

function ask(
  call: Call,
  model: LedgerModel,
  command: LedgerCommand,
  options: CallOptions,
): Promise<unknown> | undefined {
  switch (command.do) {
    case 'create':
    case 'move':
    case 'suspend':
    case 'resume':
    case 'delete':
      return askTenant(call, command, options);
    case 'set':
    case 'unset':
      return askQuota(call, command, options);
    case 'createPool':
    case 'updatePool':
    case 'hold':
    case 'unhold':
    case 'deletePool':
      return askPool(call, command, options);
    case 'admit':
      return askAdmit(call, command, options);
    case 'resize':
    case 'release':
    case 'cancel':
    case 'renew':
      return askJob(call, model, command, options);
    case 'advance':
    case 'restart':
      return undefined;
  }
}

type Doing<Verb extends LedgerCommand['do']> = Extract<LedgerCommand, { do: Verb }>;

function askTenant(
  call: Call,
  command: Doing<'create' | 'move' | 'suspend' | 'resume' | 'delete'>,
  options: CallOptions,
): Promise<unknown> {
  const { tenant } = command;
  switch (command.do) {
    case 'create': {
      const email = `ops@${tenant}.example`;
      const { parent, weight } = command;
      return call(createTenant, { name: tenant, email, parent, weight }, options);
    }
    case 'move':
      return call(updateTenant, { tenant, parent: command.parent, force: command.force }, options);
    case 'suspend':
      return call(suspendTenant, { tenant }, options);
    case 'resume':
      return call(resumeTenant, { tenant }, options);
    case 'delete':
      return call(deleteTenant, { tenant, cascade: command.cascade }, options);
  }
}

function askQuota(
  call: Call,
  command: Doing<'set' | 'unset'>,
  options: CallOptions,
): Promise<unknown> {
  const { tenant } = command;
  const pool = command.pool ?? undefined;
  const resource = limitField(command.resource);
  if (command.do === 'unset') return call(unsetQuota, { tenant, pool, resource }, options);
  return call(setQuota, { tenant, pool, [resource]: command.limit }, options);
}

function askPool(
  call: Call,
  command: Doing<'createPool' | 'updatePool' | 'hold' | 'unhold' | 'deletePool'>,
  options: CallOptions,
): Promise<unknown> {
  const { pool } = command;
  switch (command.do) {
    case 'createPool':
      return call(createPool, { id: pool, ...command.shape }, options);
    case 'updatePool':
      return call(updatePool, { pool, ...command.shape }, options);
    case 'hold':
      return call(holdPool, { pool }, options);
    case 'unhold':
      return call(resumePool, { pool }, options);
    case 'deletePool':
      return call(deletePool, { pool }, options);
  }
}

function askAdmit(
  call: Call,
  { tenant, pool, amounts, onFull, jobId, key, ttl, queueTtl, priority }: AdmitCommand,
  options: CallOptions,
): Promise<unknown> {
  const named = { job_id: jobId ?? undefined, on_full: onFull, priority };
  const times = { ttl_seconds: ttl ?? undefined, queue_ttl_seconds: queueTtl ?? undefined };
  const input = { tenant, pool, ...amounts, ...named, ...times };
  return call(admitJob, input, { ...options, idempotencyKey: key ?? undefined });
}

function askJob(
  call: Call,
  model: LedgerModel,
  command: Doing<'resize' | 'release' | 'cancel' | 'renew'>,
  options: CallOptions,
): Promise<unknown> {
  const job = jobAt(model, command.job)?.id ?? '';
  switch (command.do) {
    case 'resize':
      return call(resizeJob, { job, ...command.amounts }, options);
    case 'release':
      return call(releaseJob, { job }, options);
    case 'cancel':
      return call(cancelJob, { job }, options);
    case 'renew':
      return call(renew, { job, ttl_seconds: command.ttl ?? undefined }, options);
  }
}

/** What an answer says of all that the model knows, and the id of what it is about. */
async function answerTo(
  command: LedgerCommand,
  asked: Promise<unknown>,
): Promise<[object, string | undefined]> {
  let answer: Partial<AnyAnswer>;
  try {
    answer = (await asked) ?? {};
  } catch (error) {
    if (!(error instanceof HodeiError)) throw error;
    return [{ refused: error.code }, undefined];
  }
  const { id, state, replayed, code, retryable, effects } = answer;
  if (effects !== undefined) return [{ started: effects.started.map((job) => job.id) }, undefined];
  const isOfJob = ['admit', 'resize', 'release', 'cancel', 'renew'].includes(command.do);
  if (!isOfJob) return [{}, id ?? undefined];
  if (replayed === true) return [{ state, isReplayed: true }, undefined];
  const isDecided = ['admit', 'resize'].includes(command.do) && code !== undefined;
  const decision = { code, isRetryable: retryable, violations: answer.violations?.map(reasonSeen) };
  return [{ state, ...(isDecided && decision) }, id ?? undefined];
}

interface AnyAnswer extends JobView {
  readonly effects: { readonly started: readonly { readonly id: string }[] };
}

function reasonSeen(violation: NonNullable<JobView['violations']>[number]): Reason {
  const { scope, resource, limit, used, requested, over_by: overBy, code } = violation;
  const name = `${scope.tenant ?? '-'}/${scope.pool ?? '-'}`;
  const numbers = { limit, used, requested, overBy };
  return { scope: name, resource: resource as ResourceName | null, ...numbers, code };
}

function compare(pair: Pair): void {
  const { model } = pair;
  const { jobs, balances, stray } = hodei.look();
  same(jobs, model.jobs.map(jobExpected));
  same(balances, balancesOf(model));
  same(stray, []);
  const events = hodei.eventsAfter(pair.head.sequence);
  same(
    events.map(({ operation, object }) => {
      return `${operation} ${operation === 'job.reject' ? '*' : object}`;
    }),
    model.events.slice(pair.head.sequence).map(({ operation, object }) => {
      return `${operation} ${typeof object === 'string' ? object : object.id}`;
    }),
  );
  same(findBreak(pair.head, events), undefined);
  pair.head = events.at(-1) ?? pair.head;
}

function jobExpected({ id, state, dueAt, endedAt, isClaimDue }: ModelJob): JobSeen {
  return { id, state, due_at: dueAt, ended_at: endedAt, claim_due: isClaimDue ? 1 : 0 };
}

/** As `toEqual`, which is too slow for what is equal nearly always. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}
