import { invalid } from '../domain/errors.ts';
import type { ResourceRow, Tables } from '../store/store.ts';
import { nearest } from './nearest.ts';

/**
 * Also one that was taken out of the catalogue: what is told of the past stays.
 * @throws invalid with the nearest name there is.
 */
export async function findResource(tables: Tables, name: string): Promise<ResourceRow> {
  const resources = await tables.resources.list();
  const found = resources.find((resource) => resource.name === name);
  if (found !== undefined) return found;
  const names = resources.map((resource) => resource.name);
  const meant = nearest(name, names);
  const known = `There are: ${names.join(', ')}.`;
  throw invalid(
    `There is no resource "${name}".`,
    meant === undefined ? known : `Did you mean ${meant}? ${known}`,
  );
}
