import * as z from 'zod';
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
    role: 'viewer',
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
