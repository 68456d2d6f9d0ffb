import { nameProblem, nearestName } from './name.ts';

/** The context that is always there: the database file here. */
export const LOCAL = 'local';

/** What is wrong with the name of a context, or undefined. */
export function contextNameProblem(name: string): string | undefined {
  return nameProblem("a context's name", name);
}

/** What the context of a server is called when nobody says: by the first part of the host's name. */
export function usualContextName(server: string): string {
  const { hostname } = new URL(server);
  const isNumber = /^[\d.]+$|^\[/.test(hostname);
  const name = nearestName(isNumber ? `server-${hostname}` : (hostname.split('.')[0] ?? ''));
  return name === '' || name === LOCAL ? 'server' : name;
}
