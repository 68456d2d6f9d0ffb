import { committedUntil } from '../domain/budget.ts';
import type { Span } from '../domain/timed-use.ts';
import type { JobSegmentRow, JobsOfUse, JobUseRow, Key, Tables } from '../store/store.ts';

/** What one job held, one stretch of time after the other. */
export interface JobSpans {
  readonly job: Key;
  readonly spans: readonly Span[];
}

/** What jobs held from when to when; those that run, until now. */
export async function spansOfJobs(
  tables: Tables,
  jobs: JobsOfUse,
  now: number,
): Promise<JobSpans[]> {
  const segments = groupBy(await tables.jobUses.segments(jobs), ({ job }) => job);
  const rows = await tables.jobUses.list(jobs);
  const all: JobSpans[] = [];
  for (let i = 0; i < rows.length;) {
    const first = rows[i] as JobUseRow;
    let next = i + 1;
    while (next < rows.length && rows[next]?.job === first.job) next += 1;
    const spans = spansOf(rows.slice(i, next), first, segments.get(first.job) ?? [], now);
    all.push({ job: first.job, spans });
    i = next;
  }
  return all;
}

/** What jobs that run are to pay for beyond now; of one that is overdue, what is not written off yet. */
export async function restsOfJobs(tables: Tables, now: number): Promise<Span[]> {
  const rows = await tables.jobUses.list({ of: 'living' });
  return rows.map(({ tenant, pool, resource, isBurst, amount, ...job }) => {
    const from = Math.min(now, job.dueAt ?? now);
    return { tenant, pool, resource, isBurst, amount, from, to: committedUntil(job) };
  });
}

function spansOf(
  rows: readonly JobUseRow[],
  job: JobUseRow,
  segments: readonly JobSegmentRow[],
  now: number,
): Span[] {
  const { tenant, pool } = job;
  const end = job.endedAt ?? Math.min(now, job.dueAt ?? now);
  const spans: Span[] = [];
  let from = job.admittedAt;
  for (const [endsAt, held] of groupBy(segments, ({ endsAt }) => endsAt)) {
    // What was written down after a lease had run out was held no longer than that.
    const to = Math.min(endsAt, end);
    for (const { resource, amount, isBurst } of held) {
      spans.push({ tenant, pool, resource, amount, isBurst, from, to });
    }
    from = endsAt;
  }
  for (const { resource, amount, isBurst } of rows) {
    spans.push({ tenant, pool, resource, amount, isBurst, from, to: end });
  }
  return spans;
}

/** By a key, in the order in which the keys come first. */
function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => number): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
