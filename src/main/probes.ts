import * as z from 'zod';
import { ADMINS } from '../domain/role.ts';
import { operation } from '../service/operation.ts';

/** What the server asks its own workers, to know whether the database answers. */
export const canRead = probe('server.can-read', true);
export const canWrite = probe('server.can-write', false);

function probe(name: string, isReadOnly: boolean) {
  return operation({
    name,
    summary: 'Find out whether the database answers',
    method: 'GET',
    path: '',
    roles: ADMINS,
    reach: 'all',
    isReadOnly,
    isVersioned: false,
    input: () => z.strictObject({}),
    output: () => z.undefined(),
    example: { input: {}, output: undefined },

    async run({ tables }) {
      await tables.settings.current();
      return undefined;
    },
  });
}
