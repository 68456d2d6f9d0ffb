import type { EventRow } from '../../src/store/store.ts';

interface Told {
  readonly tenant: string;
  readonly pool: string;
  readonly gpu: number;
}

interface Subject {
  parent: string | null;
  isShut: boolean;
  /** Of gpu; null is unlimited. */
  limit: number | null;
}

/** What the events say of gpus, tenants by name. */
interface Story {
  /** Names by id. */
  readonly names: Map<string, string>;
  readonly tenants: Map<string, Subject>;
  readonly pools: Map<string, Subject>;
  readonly waiting: Map<string, Told>;
  readonly running: Map<string, Told>;
}

/**
 * Reads the events as a story, and finds every start that was against what was told until then: in
 * a tenant below one that was suspended, in a pool that was held, or above a limit.
 */
export function startsAgainstRules(events: readonly EventRow[]): string[] {
  const story: Story = {
    ...{ names: new Map(), tenants: new Map(), waiting: new Map(), running: new Map() },
    pools: new Map([['default', { parent: null, isShut: false, limit: null }]]),
  };
  return events.flatMap((event) => {
    const job = toldBy(story, event);
    if (job === undefined) return [];
    const wrong = wrongWith(story, job);
    story.running.set(event.object, job);
    return wrong.map((why) => `event ${event.sequence}: ${event.operation}: ${why}`);
  });
}

/** What an event says of how things are after it, as far as the story needs it. */
interface After {
  readonly name?: string;
  readonly parent?: string | null;
  readonly gpu?: number | null;
  readonly quota?: { readonly gpu?: number | null };
  readonly quotas?: { readonly max_concurrent_jobs: number | null };
  readonly pool?: string;
  readonly resources?: { readonly gpu?: number };
}

/** Goes on with the story. @returns what starts, where something does. */
function toldBy(story: Story, event: EventRow): Told | undefined {
  const after = (event.after === null ? {} : JSON.parse(event.after)) as After;
  const { operation, object } = event;
  if (operation.startsWith('job.')) return toldOfJob(story, event, after);
  const { names, tenants, pools } = story;
  if (operation === 'tenant.create') {
    const { name = '', parent = null, quota } = after;
    names.set(object, name);
    tenants.set(name, { parent, isShut: false, limit: quota?.gpu ?? null });
  }
  const isOfPool = operation.startsWith('pool.');
  const subject = isOfPool ? poolOf(pools, object) : tenants.get(names.get(object) ?? '');
  if (subject === undefined) return undefined;
  if (operation === 'tenant.update' && after.parent !== undefined) subject.parent = after.parent;
  if (operation === 'quota.set' && after.gpu !== undefined) subject.limit = after.gpu;
  if (after.quotas !== undefined) subject.limit = after.quotas.max_concurrent_jobs;
  if (operation === 'tenant.suspend' || operation === 'pool.hold') subject.isShut = true;
  if (operation === 'tenant.resume' || operation === 'pool.resume') subject.isShut = false;
  return undefined;
}

function toldOfJob(
  { names, waiting, running }: Story,
  { operation, object, tenant }: EventRow,
  { pool = '', resources }: After,
): Told | undefined {
  const job = { tenant: names.get(tenant ?? '') ?? '', pool, gpu: resources?.gpu ?? 0 };
  if (operation === 'job.admit') return job;
  if (operation === 'job.promote') return waiting.get(object);
  if (operation === 'job.queue') waiting.set(object, job);
  else running.delete(object);
  return undefined;
}

function poolOf(pools: Map<string, Subject>, name: string): Subject {
  const pool = pools.get(name) ?? { parent: null, isShut: false, limit: null };
  pools.set(name, pool);
  return pool;
}

function wrongWith({ tenants, pools, running }: Story, job: Told): string[] {
  const wrong: string[] = [];
  const jobs = [...running.values(), job];
  for (const name of lineOf(tenants, job.tenant)) {
    const { isShut, limit } = tenants.get(name) ?? { isShut: true, limit: 0 };
    if (isShut) wrong.push(`${name} is suspended`);
    const below = jobs.filter(({ tenant }) => lineOf(tenants, tenant).includes(name));
    const used = below.reduce((sum, { gpu }) => sum + gpu, 0);
    if (limit !== null && used > limit) wrong.push(`${name} has ${used} of ${limit}`);
  }
  const pool = poolOf(pools, job.pool);
  if (pool.isShut) wrong.push(`${job.pool} is held`);
  const inPool = jobs.filter((each) => each.pool === job.pool).length;
  if (pool.limit !== null && inPool > pool.limit) {
    wrong.push(`${job.pool} has ${inPool} jobs of ${pool.limit}`);
  }
  return wrong;
}

function lineOf(tenants: ReadonlyMap<string, Subject>, name: string): string[] {
  const parent = tenants.get(name)?.parent ?? null;
  return parent === null ? [name] : [name, ...lineOf(tenants, parent)];
}
