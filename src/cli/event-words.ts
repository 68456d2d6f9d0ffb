import type { EventView } from '../service/event-page.ts';
import { formatAmount, splitAmount } from '../domain/quantity.ts';
import { builtInResources, limitField } from '../domain/resource.ts';
import { sayBudgetChange } from './budget-event-words.ts';
import { sayBurstChange } from './burst-event-words.ts';
import type { Column, Listing } from './render.ts';
import { count, isSameUnit, sayAmount, sayChange, sayField, sayLimit, sayTime } from './words.ts';

type State = Readonly<Record<string, unknown>>;

/** More than so many are counted, not listed; JSON has them all. */
const MANY = 8;

/** What changed, in one line: `cpu 4 → 6 cores`, `email a@x → b@x`. */
function sayDifference({ operation, object, before, after }: EventView): string {
  const [noun = '', verb = ''] = operation.split('.');
  if (noun === 'job') return sayJobChange(verb, object, before, after);
  if (noun === 'burst') return `${object}: ${sayBurstChange(verb, after ?? {})}`;
  if (noun === 'budget') return sayBudgetChange(verb, before, after);
  if (noun === 'token') return sayTokenChange(verb, before, after ?? {});
  if (operation === 'tenant.create') return sayCreation(after ?? {});
  if (verb === 'delete') return '';
  if (operation === 'pool.create') return sayNewPool(after ?? {});
  if (operation === 'db.restore') return `from ${sayValue(after?.['file'])}`;
  if (operation === 'quota.notice') return sayNotice(object, after ?? {});
  if (operation === 'usage.repair') return count(Number(after?.['repaired']), 'balance');
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  if (fields.size > MANY) return `${fields.size} settings`;
  const sayOne = differences[noun] ?? sayFieldDifference;
  return [...fields].map((field) => sayOne(field, before?.[field], after?.[field])).join(', ');
}

/** A token by its name and what it is for; who was refused by what it was and why. */
function sayTokenChange(verb: string, before: State | null, after: State): string {
  if (verb === 'revoke') return sayValue(before?.['name']);
  if (verb === 'create') {
    const owner = after['owner'] === after['name'] ? '' : ` of ${sayValue(after['owner'])}`;
    return `${sayValue(after['name'])}${owner}, ${sayValue(after['role'])}`;
  }
  const { asked, why, address, times } = after;
  const often = times === 1 ? '' : `, ${sayValue(times)} times`;
  const from = address === undefined ? '' : ` From ${sayValue(address)}`;
  return `${sayValue(asked)}: ${sayValue(why)}${from}${often}`;
}

/** A request by what it asks for, a change of state by the state, a renewal by its end. */
function sayJobChange(
  verb: string,
  job: string,
  before: State | null,
  after: State | null,
): string {
  if (after?.['resources'] !== undefined) return sayRequest(verb, after);
  return `${job} ${sayTransition(verb, before, after)}`;
}

function sayTransition(verb: string, before: State | null, after: State | null): string {
  if (verb === 'renew') {
    const due = after?.['due_at'];
    return typeof due === 'number' ? `until ${sayTime(new Date(due).toISOString())}` : 'no lease';
  }
  if (verb === 'resize') {
    const resources = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
    const changed = [...resources].filter((name) => before?.[name] !== after?.[name]);
    const say = (name: string) =>
      sayChange(name, unitOf(name), amountIn(before, name), amountIn(after, name));
    return changed.map(say).join(', ');
  }
  const { state, burst } = after ?? {};
  // It says why it has ended, or that it could start.
  if (burst === undefined) return sayValue(state);
  return `${sayValue(state)}, ${sayValue(burst)}${verb === 'evict' ? ' is over' : ''}`;
}

function sayRequest(verb: string, { job_id: jobId, pool, resources, code, burst }: State): string {
  const under = burst === undefined ? '' : `, ${sayValue(burst)}`;
  const said = `${sayAmounts(resources as State)} in ${sayValue(pool)}${under}`;
  const named = jobId == null ? said : `${sayValue(jobId)}: ${said}`;
  return verb === 'reject' ? `${named}: ${sayValue(code)}` : named;
}

function amountIn(state: State | null, resource: string): number {
  const amount = state?.[resource];
  return typeof amount === 'number' ? amount : 0;
}

/** What is asked for; that it is one job goes without saying. */
function sayAmounts(resources: State): string {
  const entries = Object.entries(resources).filter(
    ([name, amount]) => name !== 'jobs' || amount !== 1,
  );
  const said = entries.map(([name, amount]) =>
    sayAmount(Number(amount), limitField(name), unitOf(name)),
  );
  return said.join(', ') || '1 job';
}

function sayNewPool({ resources, size }: State): string {
  const perWorker = Object.keys(resources ?? {}).length;
  return `${sayValue(size)} × ${perWorker === 0 ? 'anything' : sayAmounts(resources as State)}`;
}

function sayCreation({ quota, ...fields }: State): string {
  const limits = Object.entries((quota ?? {}) as State).map(
    ([field, limit]) => `${sayField(field)} ${sayOneLimit(field, limit)}`,
  );
  const parent = typeof fields['parent'] === 'string' ? [`under ${fields['parent']}`] : [];
  return [...parent, ...limits].join(', ');
}

/** `warning: cpu 3.2 of 4 cores (80 %)`; rounded down, so that 100 % is said of what is full only. */
function sayNotice(object: string, { pool, resource, level, used, limit }: State): string {
  const field = limitField(sayValue(resource));
  const of = { name: sayValue(resource), unit: unitOf(field) };
  const most = splitAmount(Number(limit), of);
  const now = splitAmount(Number(used), of, most.unit);
  const isShared = isSameUnit(now.unit, most.unit);
  const share = Math.floor((Number(used) / Number(limit)) * 100);
  // Of a pool as a whole the object says it already.
  const where = typeof pool === 'string' && pool !== object ? ` in pool ${pool}` : '';
  const amounts = `${isShared ? now.number : formatAmount(Number(used), of)} of ${formatAmount(Number(limit), of)}`;
  return `${sayValue(level)}: ${sayField(field)} ${amounts}${where} (${share} %)`;
}

function sayLimitDifference(field: string, before: unknown, after: unknown): string {
  if (field === 'pool') return `in pool ${sayValue(after)}`;
  if (isLimit(before) && isLimit(after)) return sayChange(field, unitOf(field), before, after);
  return `${sayField(field)} ${sayOneLimit(field, before)} → ${sayOneLimit(field, after)}`;
}

function sayOneLimit(field: string, limit: unknown): string {
  return isLimit(limit) ? sayLimit(limit, field, unitOf(field)) : 'unset';
}

function isLimit(value: unknown): value is number | null {
  return typeof value === 'number' || value === null;
}

/** Events do not carry units; those of built-in resources never change. */
function unitOf(field: string): string {
  const isMeant = ({ name }: { name: string }) => name === field || limitField(name) === field;
  return builtInResources.find(isMeant)?.unit ?? 'count';
}

function sayFieldDifference(field: string, before: unknown, after: unknown): string {
  if (field === 'labels') return sayLabelDifferences(before, after);
  return `${field} ${sayValue(before)} → ${sayValue(after)}`;
}

/** Label by label, since of many mostly one was changed. */
function sayLabelDifferences(before: unknown, after: unknown): string {
  const [old, new_] = [(before ?? {}) as State, (after ?? {}) as State];
  const keys = new Set([...Object.keys(old), ...Object.keys(new_)]);
  return [...keys]
    .filter((key) => old[key] !== new_[key])
    .map((key) => `label ${key} ${sayValue(old[key])} → ${sayValue(new_[key])}`)
    .join(', ');
}

/** In settings null is a limit that is none. */
function saySettingDifference(key: string, before: unknown, after: unknown): string {
  const say = (value: unknown) => (value === null ? 'unlimited' : sayValue(value));
  return `${key} ${say(before)} → ${say(after)}`;
}

/** When a pool is resumed is a time. */
function sayPoolDifference(field: string, before: unknown, after: unknown): string {
  if (field !== 'held_until') return sayFieldDifference(field, before, after);
  const say = (time: unknown) => (typeof time === 'string' ? sayTime(time) : '-');
  return `${field} ${say(before)} → ${say(after)}`;
}

/** Of a rule it is enough to say which: its expression is in JSON, and in the list. */
function sayRuleDifference(rule: string, before: unknown, after: unknown): string {
  if (rule === 'time_zone') return sayFieldDifference(rule, before, after);
  if (rule === 'rule_order') return 'another order';
  if (before === undefined) return `added ${rule}`;
  return after === undefined ? `removed ${rule}` : `changed ${rule}`;
}

/** How a change is said, by the noun of its operation. */
const differences: Readonly<Record<string, typeof sayFieldDifference>> = {
  quota: sayLimitDifference,
  config: saySettingDifference,
  pool: sayPoolDifference,
  policy: sayRuleDifference,
};

function sayValue(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function sayWho({ principal, acting_as: actingAs }: EventView): string {
  return actingAs === null ? principal : `${principal} (as ${actingAs})`;
}

const time: Column<EventView> = {
  header: 'TIME',
  text: (event) => sayTime(event.time),
  value: (event) => event.time,
  isDim: true,
};
const who: Column<EventView> = { header: 'WHO', text: sayWho };
const operation: Column<EventView> = { header: 'WHAT', text: (event) => event.operation };
const object: Column<EventView> = {
  header: 'TENANT',
  text: ({ tenant_name: tenant, operation: name, object: id }) => tenant ?? sayObject(name, id),
};
function sayObject(operation: string, object: string): string {
  if (operation.startsWith('pool.')) return `pool ${object}`;
  if (operation === 'quota.notice') return `pool ${object}`;
  if (operation.startsWith('webhook.')) return `webhook ${object}`;
  return operation === 'policy.delete' ? `rule ${object}` : '-';
}
const difference: Column<EventView> = { header: 'CHANGE', text: sayDifference };
const reason: Column<EventView> = { header: 'REASON', text: (event) => event.reason ?? '' };

/** An event in one line, for who watches: the same words as in the list. */
export function sayEvent(event: EventView): readonly string[] {
  const change = sayDifference(event);
  const what = [event.operation, object.text(event), change].filter((text) => text !== '');
  const why = event.reason === null ? '' : `(${event.reason})`;
  const seconds = event.time.slice(17, 19);
  return [`${sayTime(event.time)}:${seconds}`, sayWho(event), what.join('  '), why];
}

/** Changes of everything. */
export const auditListing: Listing<EventView> = {
  name: (event) => String(event.sequence),
  columns: [
    {
      header: 'NO',
      text: (event) => String(event.sequence),
      value: (event) => event.sequence,
      isDim: true,
    },
    time,
    who,
    operation,
    object,
    difference,
    reason,
  ],
};

/** Changes of one tenant's limits. */
export const historyListing: Listing<EventView> = {
  name: (event) => String(event.sequence),
  columns: [time, who, difference, reason],
};
