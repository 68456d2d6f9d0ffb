import { formatDuration } from '../domain/duration.ts';
import { spokenName } from '../domain/resource.ts';
import { sayNeed } from './decision-words.ts';
import { count, sayTime } from './words.ts';

type State = Readonly<Record<string, unknown>>;

/** What happened to a burst session, as its event has it. */
export function sayBurstChange(verb: string, after: State): string {
  const {
    ends_at: end,
    state,
    approvals,
    approvals_required: required,
    jobs,
    on_end: onEnd,
  } = after;
  if (verb === 'request') return sayRequest(after);
  if (verb === 'approve') return `${String(approvals)} of ${count(Number(required), 'approval')}`;
  if (verb === 'begin') return `active until ${sayInstant(end)}`;
  if (verb === 'notice') return `ends at ${sayInstant(end)}`;
  if (verb !== 'end' && verb !== 'expire') return String(state);
  if (Number(jobs) === 0) return String(state);
  const fate = onEnd === 'evict' ? 'evicted as far as they do not fit' : 'kept';
  return `${String(state)}, ${count(Number(jobs), 'job')} ${fate}`;
}

/** `140 % of cpu, memory for 2 h, from 2026-12-01 08:00` */
function sayRequest(after: State): string {
  const { percentage, resources, add, pool, duration_seconds: seconds, starts_at: start } = after;
  const names = Array.isArray(resources) ? resources.map(String).map(spokenName) : [];
  const what =
    percentage === undefined
      ? Object.entries(Object(add) as State)
          .map(([name, amount]) => `+${sayNeed(name, Number(amount))}`)
          .join(', ')
      : `${Number(percentage)} % of ${names.join(', ')}`;
  const parts = [
    `${what}${typeof pool === 'string' ? ` in pool ${pool}` : ''} for ${formatDuration(Number(seconds))}`,
    ...(typeof start === 'string' ? [`from ${sayTime(start)}`] : []),
    ...(after['automatic'] === true ? ['nobody has to agree'] : []),
    ...(after['on_end'] === 'evict' ? ['evicting at its end'] : []),
  ];
  return parts.join(', ');
}

function sayInstant(instant: unknown): string {
  return typeof instant === 'string' ? sayTime(instant) : '-';
}
