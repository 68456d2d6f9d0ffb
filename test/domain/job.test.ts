import { describe, expect, it } from 'vitest';
import {
  chargedAmounts,
  isJobId,
  isLiving,
  jobEvents,
  jobIdProblem,
  jobStates,
  kindOf,
  livingStates,
  MAX_JOB_ID_LENGTH,
  parseJobReference,
  stateAsOf,
  transition,
  type JobEvent,
  type JobState,
  type Transition,
} from '../../src/domain/job.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

/** What every event does to a job in every state, one column for each event. */
const table: Record<JobState, Transition[]> = {
  // promote, release, renew, resize, cancel, expire, evict
  queued: ['admitted', 'refused', 'queued', 'refused', 'cancelled', 'expired', 'cancelled'],
  admitted: ['refused', 'released', 'admitted', 'admitted', 'refused', 'expired', 'evicted'],
  released: ended(),
  expired: ended(),
  evicted: ended(),
  cancelled: ended(),
};

function ended(): Transition[] {
  return ['refused', 'unchanged', 'refused', 'refused', 'unchanged', 'unchanged', 'unchanged'];
}

const pairs = jobStates.flatMap((state) =>
  jobEvents.map((event, i): [JobState, JobEvent, Transition] => [
    state,
    event,
    table[state][i] ?? 'refused',
  ]),
);

describe('a job', () => {
  it.each(pairs)('that is %s and shall %s: %s', (state, event, to) => {
    expect(transition(state, event)).toBe(to);
  });

  it('that has ended never lives again', () => {
    const over = jobStates.filter((state) => !isLiving(state));
    expect(over).toEqual(['released', 'expired', 'evicted', 'cancelled']);
    for (const state of over) {
      for (const event of jobEvents) {
        expect(['unchanged', 'refused']).toContain(transition(state, event));
      }
    }
  });

  it('that lives can be ended, by itself and by somebody', () => {
    for (const state of livingStates) {
      const ends = jobEvents.map((event) => transition(state, event));
      expect(transition(state, 'expire')).toBe('expired');
      expect(ends.some((to) => to === 'released' || to === 'cancelled')).toBe(true);
    }
  });

  it.each<[JobState, number | null, JobState]>([
    ['admitted', null, 'admitted'],
    ['admitted', 101, 'admitted'],
    ['admitted', 100, 'expired'],
    ['admitted', 0, 'expired'],
    ['queued', 101, 'queued'],
    ['queued', 100, 'expired'],
    ['released', 1, 'released'],
    ['cancelled', 1, 'cancelled'],
    ['evicted', 1, 'evicted'],
  ])('that is %s and due at %j is %s at 100', (state, dueAt, as) => {
    expect(stateAsOf({ state, dueAt }, 100)).toBe(as);
  });
});

describe("a caller's own name for a job", () => {
  it.each(['build-812', 'a', 'Ünïcode 7', 'team:build/7#1', 'x'.repeat(MAX_JOB_ID_LENGTH), '0'])(
    'may be %j',
    (name) => expect(jobIdProblem(name)).toBeUndefined(),
  );

  it.each(['', ' ', ' a', 'a ', 'a\nb', 'a\u0007', 'a\u202eb', 'x'.repeat(MAX_JOB_ID_LENGTH + 1)])(
    'cannot be %j',
    (name) => expect(jobIdProblem(name)).toContain('a job_id has 1 to 200 printable characters'),
  );
});

describe('a reference to a job', () => {
  const id = 'job-01k3f7q2m4xwzb5kgd';

  it.each([
    [id, { id }],
    ['job-100000000000', { id: 'job-100000000000' }],
    ['acme:build-812', { tenant: 'acme', jobId: 'build-812' }],
    ['acme:a:b', { tenant: 'acme', jobId: 'a:b' }],
    [`acme:${id}`, { tenant: 'acme', jobId: id }],
    ['tenant-7f3k9q2m4xwz:1', { tenant: 'tenant-7f3k9q2m4xwz', jobId: '1' }],
    ['job-1:build', { tenant: 'job-1', jobId: 'build' }],
  ])('%s is understood', (text, reference) => {
    expect(parseJobReference(text)).toEqual(reference);
  });

  it.each(['', 'build-812', ':build', 'acme:', ':', 'job-', 'job-1', 'job-AAAAAAAAAAAA', 'job'])(
    '%j is none',
    (text) => expect(parseJobReference(text)).toBeUndefined(),
  );

  it('that is an id has no vowel and a length of its own', () => {
    expect(isJobId('job-a00000000000')).toBe(false);
    expect(isJobId(`job-${'0'.repeat(11)}`)).toBe(false);
    expect(isJobId(`job-${'0'.repeat(32)}`)).toBe(true);
    expect(isJobId(`job-${'0'.repeat(33)}`)).toBe(false);
    expect(isJobId(` ${id}`)).toBe(false);
    expect(isJobId(`${id}\n`)).toBe(false);
  });
});

describe('what a request charges', () => {
  const charged = (asked: Record<string, number>, kinds: readonly string[] = []) => {
    const answer = chargedAmounts(new Map(Object.entries(asked)), kinds);
    return 'problem' in answer ? answer.problem : Object.fromEntries(answer.amounts);
  };

  it.each([
    [{ cpu_m: 5 }, { cpu_m: 5, jobs: 1 }],
    [
      { cpu_m: 5, jobs: 3 },
      { cpu_m: 5, jobs: 3 },
    ],
    [
      { cpu_m: 5, jobs: 0 },
      { cpu_m: 5, jobs: 1 },
    ],
    [
      { cpu_m: 5, gpu: 0 },
      { cpu_m: 5, jobs: 1 },
    ],
    [{ jobs: 1 }, { jobs: 1 }],
    [{ gpu: 2 }, { gpu: 2, jobs: 1 }],
    [{ 'gpu.h100': 2 }, { 'gpu.h100': 2, gpu: 2, jobs: 1 }],
    [
      { 'gpu.h100': 2, 'gpu.a100': 3 },
      { 'gpu.h100': 2, 'gpu.a100': 3, gpu: 5, jobs: 1 },
    ],
    [
      { gpu: 0, 'gpu.h100': 2 },
      { 'gpu.h100': 2, gpu: 2, jobs: 1 },
    ],
    [{ cpu_m: MAX_AMOUNT }, { cpu_m: MAX_AMOUNT, jobs: 1 }],
  ])('of %j is %j', (asked, amounts) => {
    expect(charged(asked)).toEqual(amounts);
  });

  it.each([[{}], [{ cpu_m: 0 }], [{ jobs: 0 }], [{ cpu_m: 0, gpu: 0, jobs: 0 }]])(
    'of %j is nothing, which needs no quota',
    (asked) => {
      expect(charged(asked)).toEqual({
        message: 'A job that asks for nothing needs no quota.',
        hint: 'Name what it needs, such as cpu_m or jobs.',
      });
    },
  );

  it('of a kind and of what it is a kind of would count it twice', () => {
    const problem = {
      message: 'gpu.h100 is gpu too, so that asking for both counts it twice.',
      hint: 'Leave gpu out.',
    };
    expect(charged({ gpu: 1, 'gpu.h100': 1 })).toEqual(problem);
    expect(charged({ 'gpu.h100': 1, gpu: 1 })).toEqual(problem);
  });

  it('has to say which kind where the pool has kinds', () => {
    const kinds = ['gpu.h100', 'gpu.a100', 'disk.ssd'];
    expect(charged({ gpu: 1 }, kinds)).toEqual({
      message: 'This pool has kinds of gpu, and the request does not say which.',
      hint: 'Ask for one of: gpu.h100, gpu.a100.',
    });
    expect(charged({ 'gpu.h100': 1 }, kinds)).toMatchObject({ gpu: 1 });
    expect(charged({ cpu_m: 1 }, kinds)).toEqual({ cpu_m: 1, jobs: 1 });
  });

  it('of several kinds together stays below 2^53', () => {
    expect(charged({ 'gpu.a': MAX_AMOUNT - 1, 'gpu.b': 1 })).toMatchObject({ gpu: MAX_AMOUNT });
    expect(charged({ 'gpu.a': MAX_AMOUNT, 'gpu.b': 1 })).toEqual({
      message: `All that is asked of gpu is more than ${MAX_AMOUNT}.`,
      hint: undefined,
    });
  });

  it('knows what a dotted resource is a kind of', () => {
    expect(kindOf('gpu.h100')).toBe('gpu');
    expect(kindOf('gpu')).toBeUndefined();
  });
});
