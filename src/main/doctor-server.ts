import type { Check } from '../cli/host.ts';
import { check, type Finding } from './finding.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 10_000;

/** What can be seen of a server from outside: whether it lives, works, and is of our version. */
export async function doctorOfServer(url: string, world: World): Promise<readonly Check[]> {
  const base = url.replace(/\/+$/, '');
  const health = await check('health', () => probe(`${base}/healthz`, `${base} answers`));
  if (health.status !== 'ok') return [health];
  return [
    health,
    await check('readiness', () => probe(`${base}/readyz`, 'its database answers')),
    await check('version', () => versionCheck(`${base}/api/openapi.json`, world.version)),
  ];
}

async function probe(url: string, finding: string): Promise<Finding> {
  const reply = await get(url);
  if (reply.ok) return { status: 'ok', finding };
  return { status: 'fail', finding: `${url} answers ${reply.status}: ${await errorIn(reply)}` };
}

async function errorIn(reply: Response): Promise<string> {
  const text = await reply.text();
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return String(error);
  } catch {
    return text.slice(0, 100);
  }
}

async function versionCheck(url: string, version: string): Promise<Finding> {
  const { info } = (await (await get(url)).json()) as { info?: { version?: unknown } };
  const theirs = String(info?.version);
  if (theirs === version) return { status: 'ok', finding: `hodei ${version}, like this one` };
  const finding = `the server is hodei ${theirs}, and this is hodei ${version}`;
  return { status: 'warn', finding, hint: 'use the same version on both sides' };
}

async function get(url: string): Promise<Response> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const why = cause instanceof Error ? cause.message : String(error);
    throw new Error(`${url} does not answer (${why})`, { cause: error });
  }
}
