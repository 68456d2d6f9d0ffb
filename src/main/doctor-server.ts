import type { Check } from '../cli/host.ts';
import { sayIdentity } from '../cli/token-words.ts';
import { callRemote } from '../http/client.ts';
import { connectionTo, type Connection, type RemoteResponse } from '../http/remote.ts';
import { whoami } from '../service/tokens.ts';
import { check, type Finding } from './finding.ts';
import type { ServerTarget } from './servers.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 10_000;

/** What can be seen of a server from outside: whether it lives, works, knows us, and is of our version. */
export async function doctorOfServer(
  server: ServerTarget,
  world: World,
): Promise<readonly Check[]> {
  const connection = connectionTo(server);
  const { base } = connection;
  const health = await check('health', () => probe(connection, '/healthz', `${base} answers`));
  if (health.status !== 'ok') return [health];
  const identity = await check('identity', () => identityCheck(server));
  return [
    health,
    await check('readiness', () => probe(connection, '/readyz', 'its database answers')),
    identity,
    ...(identity.status === 'ok'
      ? [await check('version', () => versionCheck(connection, world.version))]
      : []),
  ];
}

async function identityCheck(server: ServerTarget): Promise<Finding> {
  const who = await callRemote({ ...server, timeoutMs: TIMEOUT_MS })(whoami, {});
  return { status: 'ok', finding: `you are ${sayIdentity(who)}` };
}

async function probe(connection: Connection, path: string, finding: string): Promise<Finding> {
  const reply = await get(connection, path);
  if (reply.status === 200) return { status: 'ok', finding };
  const answer = `${connection.base}${path} answers ${reply.status}`;
  return { status: 'fail', finding: `${answer}: ${await errorIn(reply)}` };
}

async function errorIn(reply: RemoteResponse): Promise<string> {
  const text = await reply.text();
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return String(error);
  } catch {
    return text.slice(0, 100);
  }
}

async function versionCheck(connection: Connection, version: string): Promise<Finding> {
  const reply = await get(connection, '/api/openapi.json');
  const { info } = JSON.parse(await reply.text()) as { info?: { version?: unknown } };
  const theirs = String(info?.version);
  if (theirs === version) return { status: 'ok', finding: `hodei ${version}, like this one` };
  const finding = `the server is hodei ${theirs}, and this is hodei ${version}`;
  return { status: 'warn', finding, hint: 'use the same version on both sides' };
}

async function get({ base, fetch }: Connection, path: string): Promise<RemoteResponse> {
  try {
    return await fetch(path, {
      method: 'GET',
      headers: {},
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'manual',
    });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const why = cause instanceof Error ? cause.message : String(error);
    throw new Error(`${base}${path} does not answer (${why})`, { cause: error });
  }
}
