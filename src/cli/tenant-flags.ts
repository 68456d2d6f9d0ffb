import type { Command } from 'commander';
import { parseLabel } from '../domain/tenant.ts';
import { collect, toWholeNumber } from './verb.ts';

/** The fields of a tenant, as `create` and `update` take them. */
export interface FieldFlags {
  readonly email?: string;
  readonly parent?: string | false;
  readonly weight?: number;
  readonly label?: string[];
}

export function withFieldFlags(command: Command): Command {
  return command
    .option('--email <address>', 'whom to write to')
    .option('--parent <tenant>', 'under which tenant')
    .option('--weight <n>', 'its part beside its siblings when a pool is full', toWholeNumber)
    .option('--label <key=value>', 'a label; may be given several times', collect);
}

export function labelsOf(labels: readonly string[] | undefined): Record<string, string> {
  const pairs = (labels ?? []).map(parseLabel);
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}
