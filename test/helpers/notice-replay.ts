import { defaultQuotaNotices, levelOf, type NoticeLevel } from '../../src/domain/quota-notice.ts';
import type { EventRow } from '../../src/store/store.ts';

interface Place {
  readonly resource: string;
  /** Never changed while the events were written. */
  readonly limit: number;
}

interface Told {
  readonly level: NoticeLevel;
  readonly used: number;
}

/**
 * The notices of the only tenant that there is, and those that there should be: from the jobs of its
 * events alone, noting every fall too.
 */
export function noticesIn(
  events: readonly EventRow[],
  { resource, limit }: Place,
): { readonly told: Told[]; readonly expected: Told[] } {
  const asked = new Map<string, number>();
  let [used, level]: [number, NoticeLevel | undefined] = [0, undefined];
  const [told, expected]: [Told[], Told[]] = [[], []];
  for (const event of events) {
    const after = JSON.parse(event.after ?? '{}') as After;
    if (event.operation === 'quota.notice' && after.resource === resource && after.pool === null) {
      told.push({ level: after.level, used: after.used });
    }
    if (after.resources !== undefined) asked.set(event.object, after.resources[resource] ?? 0);
    used += signOf(event) * (asked.get(event.object) ?? 0);
    const next = levelOf(level, { used, limit }, defaultQuotaNotices);
    if (next !== undefined && (level === undefined || (level === 'warning' && next === 'critical')))
      expected.push({ level: next, used });
    level = next;
  }
  return { told, expected };
}

interface After {
  readonly pool?: string | null;
  readonly resource?: string;
  readonly level: NoticeLevel;
  readonly used: number;
  readonly resources?: Readonly<Record<string, number>>;
}

function signOf({ operation, before }: EventRow): -1 | 0 | 1 {
  if (operation === 'job.admit' || operation === 'job.promote') return 1;
  const isEnd = ['job.release', 'job.expire', 'job.evict'].includes(operation);
  const { state } = JSON.parse(before ?? '{}') as { readonly state?: string };
  return isEnd && state === 'admitted' ? -1 : 0;
}
