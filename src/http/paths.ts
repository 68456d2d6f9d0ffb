import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalid, notFound } from '../domain/errors.ts';
import type { Failure } from './errors.ts';
import { statusOf } from './status.ts';
import { BASE_PATH } from './wire.ts';

/** The path of a request's URL, still encoded. */
export function pathOf(url = ''): string {
  return url.replace(/^\w+:\/\/[^/?#]*/, '').replace(/[?#].*$/s, '');
}

/** Which methods each path has; filled while routes are added to the server. */
export interface Paths {
  /** Empty when there is nothing at the path. */
  methodsAt(path: string): string[];
}

export function collectPaths(app: FastifyInstance): Paths {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // CORS answers OPTIONS on every path there could be, which says nothing about what there is.
    if (method === 'OPTIONS') return;
    // Of the two URLs of a plugin's root, Fastify tells of the second only with HEAD.
    const methods = method === 'HEAD' ? ['GET', 'HEAD'] : [method].flat();
    routes.push({ pattern: toPattern(url), methods });
  });
  return {
    methodsAt(path) {
      const there = routes.filter(({ pattern }) => pattern.test(path));
      return [...new Set(there.flatMap(({ methods }) => methods))].sort();
    },
  };
}

function toPattern(url: string): RegExp {
  const source = url
    .replace(/[.\\+^$()[\]{}|?]/g, '\\$&')
    .replace(/:\w+/g, '[^/]+')
    .replace('*', '.*');
  return new RegExp(`^${source}$`);
}

/** What to say of a request that no route takes, and the methods that would have been possible. */
export function noRoute(request: FastifyRequest, paths: Paths): Failure & { allow: string[] } {
  const path = pathOf(request.raw.url);
  const allow = paths.methodsAt(path);
  // A file that is missing on the docs page has a route all the same.
  if (allow.length > 0 && !allow.includes(request.method)) {
    const error = invalid(
      `${request.method} is not possible on ${path}.`,
      `Possible: ${allow.join(', ')}`,
    );
    return { error, status: 405, allow };
  }
  const error = notFound(`There is nothing at ${path}.`, whereInstead(path, paths));
  return { error, status: statusOf.not_found, allow: [] };
}

function whereInstead(path: string, paths: Paths): string {
  // Looking behind keeps it linear: a path can be thousands of slashes long.
  const trimmed = path.replace(/(?<!\/)\/+$/, '');
  const bare = trimmed.replace(/^(\/api)?(\/v\d+)?(?=\/)/, '');
  const meant = [`${BASE_PATH}${path}`, trimmed, `${BASE_PATH}${bare}`].find(
    (candidate) => candidate !== path && paths.methodsAt(candidate).length > 0,
  );
  return meant === undefined ? 'All there is: /api/docs' : `Did you mean ${meant}?`;
}
