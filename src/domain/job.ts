import { MAX_AMOUNT } from './resource.ts';
import { isPrintable } from './text.ts';

export const jobStates = [
  'queued',
  'admitted',
  'released',
  'expired',
  'evicted',
  'cancelled',
] as const;

export type JobState = (typeof jobStates)[number];

/** States in which a job holds something, or waits to. */
export const livingStates = ['queued', 'admitted'] as const satisfies readonly JobState[];

/** What can happen to a job. */
export const jobEvents = [
  'promote',
  'release',
  'renew',
  'resize',
  'cancel',
  'expire',
  'evict',
] as const;

export type JobEvent = (typeof jobEvents)[number];

/** Where an event leads; `unchanged`: it is so already, and nothing is done; `refused`: it cannot be. */
export type Transition = JobState | 'unchanged' | 'refused';

/**
 * Who ends a job says that it shall hold nothing any more, so that a job that holds nothing stays as
 * it is. Renew and resize are refused there, since their caller believes that it holds something.
 */
const ended = {
  promote: 'refused',
  release: 'unchanged',
  renew: 'refused',
  resize: 'refused',
  cancel: 'unchanged',
  expire: 'unchanged',
  evict: 'unchanged',
} as const satisfies Record<JobEvent, Transition>;

const transitions: Readonly<Record<JobState, Readonly<Record<JobEvent, Transition>>>> = {
  queued: {
    promote: 'admitted',
    release: 'refused',
    renew: 'queued',
    resize: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    evict: 'cancelled',
  },
  admitted: {
    promote: 'refused',
    release: 'released',
    renew: 'admitted',
    resize: 'admitted',
    cancel: 'refused',
    expire: 'expired',
    evict: 'evicted',
  },
  released: ended,
  expired: ended,
  evicted: ended,
  cancelled: ended,
};

export function transition(state: JobState, event: JobEvent): Transition {
  return transitions[state][event];
}

export function isLiving(state: JobState): boolean {
  return state === 'queued' || state === 'admitted';
}

/** The state as of now: one whose time has run out is expired, settled or not. */
export function stateAsOf(
  { state, dueAt }: { readonly state: JobState; readonly dueAt: number | null },
  now: number,
): JobState {
  return isLiving(state) && dueAt !== null && dueAt <= now ? 'expired' : state;
}

export const MAX_JOB_ID_LENGTH = 200;
export const MAX_PRIORITY = 1_000_000;
/** A year. */
export const MAX_TTL_SECONDS = 31_536_000;
/** So long the key of an ended job is remembered, so that a repeated build does not run for free. */
export const KEY_MEMORY_MS = 24 * 60 * 60 * 1000;

const OWN_ID = /^job-[0-9bcdfghjkmnpqrstvwxyz]{12,32}$/;

/** Whether the text is an id of hodei's, and not `<tenant>:<job_id>`. */
export function isJobId(text: string): boolean {
  return OWN_ID.test(text);
}

/** What is wrong with a caller's own name for a job, or undefined. */
export function jobIdProblem(text: string): string | undefined {
  const isGood = text.trim() === text && text !== '' && isPrintable(text);
  if (isGood && text.length <= MAX_JOB_ID_LENGTH) return undefined;
  return `a job_id has 1 to ${MAX_JOB_ID_LENGTH} printable characters and no space at its ends`;
}

export type JobReference =
  { readonly id: string } | { readonly tenant: string; readonly jobId: string };

/** `job-…`, or `<tenant>:<job_id>`; undefined when it is neither. */
export function parseJobReference(text: string): JobReference | undefined {
  if (isJobId(text)) return { id: text };
  const cut = text.indexOf(':');
  if (cut < 1 || cut === text.length - 1) return undefined;
  return { tenant: text.slice(0, cut), jobId: text.slice(cut + 1) };
}

/** What a job asks for, by name of resource, in base units. */
export type Amounts = ReadonlyMap<string, number>;

/** The resource that a dotted one is a kind of: `gpu` for `gpu.h100`. */
export function kindOf(resource: string): string | undefined {
  const dot = resource.indexOf('.');
  return dot === -1 ? undefined : resource.slice(0, dot);
}

/** Something that is wrong with what is asked for. */
export interface AmountsProblem {
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * What a request really charges: at least one job, and for each kind (`gpu.h100`) the same of what
 * it is a kind of (`gpu`). `kinds` are those that the pool has.
 */
export function chargedAmounts(
  asked: Amounts,
  kinds: readonly string[],
): { readonly amounts: Amounts } | { readonly problem: AmountsProblem } {
  const positive = new Map([...asked].filter(([, amount]) => amount > 0));
  if (positive.size === 0) {
    const message = 'A job that asks for nothing needs no quota.';
    return { problem: { message, hint: 'Name what it needs, such as cpu_m or jobs.' } };
  }
  const charged = new Map(positive);
  for (const [resource, amount] of positive) {
    const parent = kindOf(resource);
    if (parent === undefined) {
      const own = kinds.filter((kind) => kindOf(kind) === resource);
      if (own.length > 0) return { problem: bareParent(resource, own) };
      continue;
    }
    if (positive.has(parent)) return { problem: countedTwice(parent, resource) };
    const sum = (charged.get(parent) ?? 0) + amount;
    if (sum > MAX_AMOUNT) return { problem: tooMuch(parent) };
    charged.set(parent, sum);
  }
  if (!charged.has('jobs')) charged.set('jobs', 1);
  return { amounts: charged };
}

function bareParent(resource: string, kinds: readonly string[]): AmountsProblem {
  const message = `This pool has kinds of ${resource}, and the request does not say which.`;
  return { message, hint: `Ask for one of: ${kinds.join(', ')}.` };
}

function countedTwice(parent: string, kind: string): AmountsProblem {
  const message = `${kind} is ${parent} too, so that asking for both counts it twice.`;
  return { message, hint: `Leave ${parent} out.` };
}

function tooMuch(resource: string): AmountsProblem {
  return {
    message: `All that is asked of ${resource} is more than ${MAX_AMOUNT}.`,
    hint: undefined,
  };
}
