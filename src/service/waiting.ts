import type { JobRow, Key, Place, ResourceRow, Tables, WaitingRow } from '../store/store.ts';
import { UNTIL_ALLOWED, UNTIL_OPEN } from '../store/store.ts';
import { decideOn, type Decided, type Question } from './job-admission.ts';
import { scopeKeyOf, type Overdue } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** Of a job that waits, what says where it stands in the line. */
export function inLineOf({ key, pool, tenant, priority }: JobRow) {
  return { job: key, pool, tenant, priority };
}

export async function waitingJob(tables: Tables, key: Key): Promise<JobRow> {
  const job = await tables.jobs.byKey(key);
  if (job === undefined) throw new Error(`there is no job ${key}, and it waits`);
  return job;
}

/** What a waiting job waits for. */
export async function waitingRow(tables: Tables, job: Key): Promise<WaitingRow> {
  const row = await tables.waiting.byJob(job);
  if (row === undefined) throw new Error(`job ${job} does not wait`);
  return row;
}

/** What a job asks for, once more: from its own rows. */
export async function questionOf(
  tables: Tables,
  job: JobRow,
  catalogue: readonly ResourceRow[],
): Promise<Question> {
  const held = new Map(
    (await tables.jobs.amounts(job.key)).map(({ resource, amount }) => [resource, amount]),
  );
  const resources = catalogue.filter(({ key }) => held.has(key));
  return {
    tenant: await existing(tables, job.tenant),
    pool: await existingPool(tables, job.pool),
    amounts: new Map(resources.map(({ key, name }) => [name, held.get(key) ?? 0])),
    resources,
    about: job,
  };
}

/** Decides anew about a job that waits; for reads, without what is overdue. */
export async function decideWaiting(
  at: At,
  job: JobRow,
  question: Question,
  overdue?: Overdue,
): Promise<Decided> {
  const { resourcePools } = await settingsInForce(at.tables);
  return decideOn(at, question, {
    arePoolsOn: resourcePools.enabled,
    onFull: 'queue',
    isNew: false,
    job: job.key,
    ...(overdue !== undefined && { overdue }),
  });
}

/**
 * Has a job wait at the pool itself until it is looked at in its turn: of which it is not known yet
 * what it lacks. @returns the place, which has to be woken.
 */
export async function sendToDoor(at: At, row: WaitingRow): Promise<Place> {
  const door = await doorOf(at, row.pool);
  await at.tables.waiting.update({
    ...row,
    ...door,
    ...{ amount: UNTIL_OPEN, isShared: false, lookAt: null },
  });
  return door;
}

const PAGE = 500;

/** The same with those of them who wait at a place that does not limit them any more. @returns where. */
export async function sendStranded(
  at: At,
  place: Place,
  isStranded: (row: WaitingRow) => Promise<boolean>,
): Promise<Place[]> {
  const { waiting } = at.tables;
  const doors: Place[] = [];
  for (let after: WaitingRow | undefined; ;) {
    const page = await waiting.at(place, after, PAGE);
    for (const row of page) if (await isStranded(row)) doors.push(await sendToDoor(at, row));
    after = page.at(-1);
    if (after === undefined) return doors;
  }
}

async function doorOf(at: At, pool: Key): Promise<Place> {
  const scope = await scopeKeyOf(at, { tenant: null, pool });
  const resource = (await at.tables.resources.list()).find(({ name }) => name === 'jobs');
  if (resource === undefined) throw new Error('the catalogue has no jobs');
  return { scope, resource: resource.key };
}

/** It is not looked at any more: what is left of it is to be ended. */
export async function setAside(tables: Tables, job: Key): Promise<void> {
  const row = await waitingRow(tables, job);
  await tables.waiting.update({ ...row, amount: UNTIL_ALLOWED, isShared: false, lookAt: null });
}
