import { scopeText } from '../domain/ceiling.ts';
import { printDuration } from '../domain/duration.ts';
import { printQuantity, splitAmount } from '../domain/quantity.ts';
import { dimensionOf, spokenName } from '../domain/resource.ts';
import { sayNeed, type Units } from './decision-words.ts';
import type { Explanation } from './story.ts';

/** A limit that would have to be so high; null: there is no amount so high. */
export interface Raise {
  readonly scope: { readonly tenant: string | null; readonly pool: string | null };
  readonly resource: string;
  readonly to: number | null;
}

/**
 * What would let a request in: a command for each place where a tenant's limits are too low; what is
 * wanting in pools in words, since it takes more than a limit to mend it.
 */
export function saysRaises(raises: readonly Raise[], units: Units): string[] {
  const byCommand = new Map<string, string[]>();
  const others: string[] = [];
  for (const raise of raises) {
    const { scope, resource, to } = raise;
    if (to === null) continue;
    if (scope.tenant === null)
      others.push(`${sayNeed(resource, to, units)} for ${scopeText(scope)}`);
    else {
      const where = scope.pool === null ? '' : ` --pool ${scope.pool}`;
      const command = `hodei quota set ${scope.tenant}${where}`;
      byCommand.set(command, [...(byCommand.get(command) ?? []), flagOf(resource, to, units)]);
    }
  }
  const commands = [...byCommand].map(([command, flags]) => `${command} ${flags.join(' ')}`);
  return [...commands, ...others];
}

/** What would lend it for a while: `hodei burst request acme --to 125% --for 1h`. */
export function saysBurst(burst: NonNullable<Explanation['now']>['burst']): string[] {
  if (burst === null) return [];
  const { tenant, pool, percentage, duration_seconds: seconds } = burst;
  const where = pool === null ? '' : ` --pool ${pool}`;
  return [
    `hodei burst request ${tenant}${where} --to ${percentage}% --for ${printDuration(seconds)}`,
  ];
}

/** As one types it: `--cpu 7.5`, `--memory 12Gi`, `--set license=3`. */
function flagOf(name: string, amount: number, units: Units): string {
  const resource = { name, unit: units[name] ?? 'count' };
  const isBuiltIn = ['cpu_m', 'memory_mb', 'gpu', 'jobs'].includes(name);
  if (!isBuiltIn) return `--set ${name}=${amount}`;
  const isCpu = dimensionOf(resource) === 'cpu';
  const text = isCpu ? splitAmount(amount, resource).number : printQuantity(amount, resource);
  return `--${spokenName(name)} ${text}`;
}
