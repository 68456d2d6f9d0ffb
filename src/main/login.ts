import { resolve } from 'node:path';
import type { LoggedIn, LoginOptions, Place } from '../cli/host.ts';
import { contextNameProblem, LOCAL, usualContextName } from '../domain/context.ts';
import { conflict, invalid } from '../domain/errors.ts';
import { callRemote } from '../http/client.ts';
import { baseUrl } from '../http/remote.ts';
import { whoami } from '../service/tokens.ts';
import { overridingVariable } from './context-commands.ts';
import { readContexts, writeContexts, type Context, type Contexts } from './contexts.ts';
import { credentialOf, readAuthority, tokenIn, tokenInFile } from './credentials.ts';
import { contextsAt } from './servers.ts';
import type { World } from './world.ts';

type AskToken = (server: string) => Promise<string | undefined>;

/** Finds out who one is on a server; only then a context is kept, and made the current one. */
export async function login(
  place: Place,
  options: LoginOptions,
  askToken: AskToken,
  world: World,
): Promise<LoggedIn> {
  const contexts = await readContexts();
  const server = serverToAsk(place, contexts, world);
  const name = nameFor(server, place.context, contexts);
  const known = contexts.servers.get(name);
  const ca = authorityFor(server, options, known);
  const token = await tokenFor(server, options, askToken, world);
  const trusted = ca === undefined ? {} : { ca: readAuthority(ca) };
  const who = await callRemote({ url: server, token, ...trusted })(whoami, {});
  const context: Context = {
    server,
    ...(token !== undefined && { token }),
    ...(ca !== undefined && { ca }),
  };
  // Read again: answering a question takes a while.
  const { servers } = await readContexts();
  await writeContexts({ current: name, servers: new Map([...servers, [name, context]]) });
  return { context: name, server, who, overriddenBy: overridingVariable(world) };
}

/** The server that is named, or that of a context in which somebody logs in anew. */
function serverToAsk(place: Place, { servers }: Contexts, { env }: World): string {
  const { db, server, context } = place;
  if (db !== undefined) throw invalid('One logs in to a server, and --db names a file.');
  const known = context === undefined ? undefined : servers.get(context)?.server;
  const url = server ?? known ?? env['HODEI_SERVER'];
  if (url) return baseUrl(url);
  throw invalid('Which server?', 'Name it: hodei login --server https://hodei.example');
}

function nameFor(server: string, asked: string | undefined, contexts: Contexts): string {
  if (asked !== undefined) return goodName(asked);
  const [known, ...more] = contextsAt(contexts, server);
  if (known !== undefined && more.length === 0) return known[0];
  const usual = usualContextName(server);
  const other = contexts.servers.get(usual)?.server ?? server;
  if (other === server) return usual;
  throw conflict(`The context ${usual} is for ${other}.`, 'Name this one: --context NAME');
}

function goodName(name: string): string {
  const problem = contextNameProblem(name);
  if (problem !== undefined) throw invalid(problem);
  if (name === LOCAL) throw invalid('The context local is the file here. Take another name.');
  return name;
}

/** The file, by its whole path: what is typed is seen from where somebody stands. */
function authorityFor(
  server: string,
  { ca }: LoginOptions,
  known: Context | undefined,
): string | undefined {
  if (ca === undefined) return known?.server === server ? known.ca : undefined;
  if (server.startsWith('https:')) return resolve(ca);
  throw invalid(`--ca is for a server at https://, and this one is at ${server}.`);
}

async function tokenFor(
  server: string,
  { tokenFile }: LoginOptions,
  askToken: AskToken,
  world: World,
): Promise<string | undefined> {
  if (tokenFile !== undefined) return tokenInFile(tokenFile, '--token-file');
  const credential = credentialOf(world);
  if (credential !== undefined) return credential.token;
  const text = await askToken(server);
  return text === undefined || text.trim() === '' ? undefined : tokenIn(text, 'What was given');
}
