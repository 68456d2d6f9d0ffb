import type { Role } from '../../src/domain/role.ts';
import { roles } from '../../src/domain/role.ts';
import { requestOf } from '../../src/http/client.ts';
import { canChange } from '../../src/http/wire.ts';
import { requestBurstSession } from '../../src/service/bursts.ts';
import { listJobs } from '../../src/service/jobs.ts';
import type { Call, Operation } from '../../src/service/operation.ts';
import { createToken } from '../../src/service/tokens.ts';
import { listViolations } from '../../src/service/violations.ts';
import { admit, idOf } from '../helpers/job.ts';
import { makePool } from '../helpers/pool.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { startTestServer, type Answer, type TestServer } from './helpers.ts';

/** What of a tenant can be named: itself, a job of its own, a decision, and a burst session. */
export interface Target {
  readonly tenant: string;
  readonly tenantId: string;
  readonly job: string;
  readonly jobId: string;
  readonly decision: string;
  readonly burst: string;
}

export const kinds = ['own', 'descendant', 'foreign', 'above'] as const;
export type Kind = (typeof kinds)[number];

/** For whom somebody asks: one of the roles, bound to acme or to nobody. */
export interface Asker {
  readonly role: Role;
  readonly isBound: boolean;
}

export const askers: readonly Asker[] = roles.flatMap((role) =>
  [true, false].map((isBound) => ({ role, isBound })),
);

export interface World {
  readonly server: TestServer;
  readonly targets: Readonly<Record<Kind, Target>>;
  /** Asks, and keeps nothing of what it leads to. */
  ask(asker: Asker | undefined, operation: Operation, input: object): Promise<Answer>;
}

/**
 * eng above acme above team, a job and a refusal of each, and tokens for every asker. beta stands
 * beside them, or, in the other world, has never been.
 */
export async function makeWorld(hasForeign: boolean): Promise<World> {
  const server = await startTestServer();
  const { call } = server.behind;
  // Who asks for a session has made none of the tokens.
  const calls = { call, asRita: server.behind.as({ principal: 'rita' }) };
  await makePool(call, 'gpu', { resources: {} });
  const above = await makeTarget(calls, 'eng', null);
  const own = await makeTarget(calls, 'acme', 'eng');
  const descendant = await makeTarget(calls, 'team', 'acme');
  const secrets = new Map<string, string>();
  for (const { role, isBound } of askers) {
    const name = `${role}-${isBound ? 'bound' : 'free'}`;
    const bound = isBound ? { tenant: 'acme' } : {};
    secrets.set(name, (await call(createToken, { name, role, ...bound })).secret ?? '');
  }
  // Last, so that all other ids are the same in both worlds; and in a pool of its own, so that no
  // number is another one.
  const foreign = hasForeign ? await makeTarget(calls, 'beta', null, 'gpu') : nowhere;
  // What beta is called by there nothing is called by here.
  if (!hasForeign)
    for (const kind of ['tenant', 'job', 'job', 'dec', 'bst']) server.behind.ids.newId(kind);
  return {
    server,
    targets: { own, descendant, foreign, above },
    ask(asker, operation, input) {
      const options = canChange(operation) ? { dryRun: true } : {};
      const { path, ...request } = requestOf(operation, { ...input }, options);
      const name = asker && `${asker.role}-${asker.isBound ? 'bound' : 'free'}`;
      const secret = name === undefined ? undefined : secrets.get(name);
      const authorization = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
      return server.ask(path, {
        ...request,
        headers: { ...request.headers, ...authorization },
      });
    },
  };
}

interface Calls {
  readonly call: Call;
  readonly asRita: Call;
}

/** What would be called so in the world without it: found by running the other one. */
let nowhere: Target;

async function makeTarget(
  { call, asRita }: Calls,
  name: string,
  parent: string | null,
  pool = 'default',
): Promise<Target> {
  const { id: tenantId } = await makeTenant(call, name, { parent, labels: { team: name } });
  const job = idOf(await admit(call, name, { cpu_m: 100, jobs: 1, pool, job_id: `${name}-1` }));
  await admit(call, name, { cpu_m: 9_000_000, pool });
  const [violation] = (await call(listViolations, { tenant: name })).items;
  if (violation === undefined) throw new Error(`nothing was refused to ${name}`);
  const asked = { tenant: name, percentage: 140, reason: `for ${name}` };
  const { id: burst } = await asRita(requestBurstSession, asked);
  const target = { tenant: name, tenantId, job, jobId: `${name}:${name}-1`, burst };
  if (name === 'beta') nowhere = { ...target, decision: violation.id };
  return { ...target, decision: violation.id };
}

/** How many jobs live, to see that nothing was kept. */
export async function livingJobs({ server }: World): Promise<number> {
  return (await server.behind.call(listJobs, {})).items.length;
}
