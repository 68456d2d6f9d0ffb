import { LOCAL } from '../domain/context.ts';
import { invalid } from '../domain/errors.ts';
import type { Remote } from '../http/remote.ts';
import { contextNamed, readContexts, type Context, type Contexts } from './contexts.ts';
import { credentialOf, readAuthority } from './credentials.ts';
import type { World } from './world.ts';

/** A server, and how it was named. */
export interface ServerTarget extends Remote {
  /** The context by which it is known. */
  readonly context: string | undefined;
  /** A flag, a variable, or what is in force without one. */
  readonly namedBy: string;
}

/** The server of the current context; undefined where that is the file here. */
export async function currentServer(
  world: World,
  namedBy: string,
): Promise<ServerTarget | undefined> {
  const contexts = await readContexts();
  const { current } = contexts;
  if (current === LOCAL) return undefined;
  return targetIn(current, contextNamed(contexts, current), namedBy, world);
}

/** The server of a context. @throws not_found when there is none of this name. */
export async function serverNamed(
  name: string,
  namedBy: string,
  world: World,
): Promise<ServerTarget> {
  return targetIn(name, contextNamed(await readContexts(), name), namedBy, world);
}

/** A server by its URL: what is known of exactly this one is used there, and nowhere else. */
export async function serverAt(url: string, namedBy: string, world: World): Promise<ServerTarget> {
  const { baseUrl } = await import('../http/remote.ts');
  const known = contextsAt(await readContexts(), baseUrl(url));
  const [first, ...more] = known;
  if (first === undefined) return { url, namedBy, context: undefined, ...credentialOf(world) };
  const target = targetIn(...first, namedBy, world);
  if (more.length === 0 || credentialOf(world) !== undefined) return target;
  const names = known.map(([each]) => each).join(', ');
  throw invalid(
    `There are several contexts for ${url}: ${names}.`,
    'Say which in place of the URL: --context NAME',
  );
}

/** The contexts of a server; the current one alone where it is among them. */
export function contextsAt({ current, servers }: Contexts, server: string): [string, Context][] {
  const found = [...servers].filter(([, context]) => context.server === server);
  const inForce = found.find(([name]) => name === current);
  return inForce === undefined ? found : [inForce];
}

function targetIn(
  context: string,
  { server: url, token, ca }: Context,
  namedBy: string,
  world: World,
): ServerTarget {
  const own = token === undefined ? {} : { token, tokenFrom: `the context ${context}` };
  const trusted = ca === undefined ? {} : { ca: readAuthority(ca) };
  return { url, context, namedBy, ...own, ...credentialOf(world), ...trusted };
}
