import { describe, expect, it } from 'vitest';
import {
  sayAwaited,
  sayNeed,
  sayNeeds,
  sayPlace,
  sayReasons,
} from '../../src/cli/decision-words.ts';
import { saysRaises } from '../../src/cli/raise-words.ts';
import type { ViolationView } from '../../src/service/job-view.ts';

const acme = { tenant: 'acme', pool: null };
const cpu: ViolationView = {
  scope: acme,
  resource: 'cpu_m',
  ...{ limit: 6000, used: 3500, requested: 4000, over_by: 1500 },
  code: 'over_quota',
};
const none = { resource: null, limit: null, used: null, requested: null, over_by: null };

function reason(violation: Partial<ViolationView>): string {
  return sayReasons({ tenant: 'acme' }, [{ ...cpu, ...violation }]).join('');
}

describe('a reason', () => {
  it('says what is asked for, and what is free of how much', () => {
    expect(reason({})).toBe('acme asks for 4 cores and has 2.5 free of 6');
    expect(reason({ used: 6000 })).toBe('acme asks for 4 cores and has none free of 6');
  });

  it('says none where a limit was lowered below what is used', () => {
    expect(reason({ used: 7000 })).toBe('acme asks for 4 cores and has none free of 6');
  });

  it('names the unit where it is another one than that of the request', () => {
    const memory = { resource: 'memory_mb', limit: 8192, used: 7292, requested: 9216 };
    expect(reason(memory)).toBe('acme asks for 9 GiB and has 900 MiB free of 8');
  });

  it('names the scope: a tenant above, the tenant in a pool, a pool', () => {
    expect(reason({ scope: { tenant: 'eng', pool: null } })).toBe(
      'acme asks for 4 cores, and eng above it has 2.5 free of 6',
    );
    expect(reason({ scope: { tenant: 'acme', pool: 'gpu' } })).toBe(
      'acme asks for 4 cores, and acme in pool gpu has 2.5 free of 6',
    );
    expect(reason({ scope: { tenant: null, pool: 'gpu' }, code: 'over_capacity' })).toBe(
      'acme asks for 4 cores, and pool gpu has 2.5 free of 6',
    );
  });

  it('says when waiting would not help', () => {
    expect(reason({ code: 'impossible' })).toBe(
      'acme asks for 4 cores, and its limit is 6: waiting would not help',
    );
    expect(reason({ code: 'impossible', scope: { tenant: null, pool: 'gpu' } })).toBe(
      'acme asks for 4 cores, and pool gpu has 6 at most: waiting would not help',
    );
  });

  it('is not always one of amount', () => {
    expect(reason({ ...none, code: 'suspended' })).toBe(
      'acme is suspended: nothing new starts there',
    );
    const gpu = { tenant: null, pool: 'gpu' };
    expect(reason({ ...none, scope: gpu, code: 'pool_held' })).toBe(
      'pool gpu is held: nothing new starts in it',
    );
    expect(reason({ ...none, scope: gpu, code: 'waiting_ahead' })).toBe(
      'others wait longer in pool gpu, and are looked at first',
    );
  });
});

describe('what a job needs', () => {
  it('is said in the units of people, and by its name where there is no unit', () => {
    expect(sayNeed('cpu_m', 1000)).toBe('1 core');
    expect(sayNeed('license', 3)).toBe('3 license');
    expect(sayNeed('gpu.h100', 2)).toBe('2 gpu.h100');
    expect(sayNeed('memory_mb.hbm', 4096)).toBe('4 GiB of memory_mb.hbm');
  });

  it('leaves out what goes without saying', () => {
    expect(sayNeeds({ cpu_m: 2000, gpu: 2, jobs: 1, 'gpu.h100': 2 })).toEqual([
      '2 cores',
      '2 gpu.h100',
    ]);
    expect(sayNeeds({ jobs: 1 })).toEqual(['1 job']);
    expect(sayNeeds({ cpu_m: 500, jobs: 2 })).toEqual(['0.5 cores', '2 jobs']);
  });
});

describe('a place in the line', () => {
  it('is a word as long as people count so', () => {
    expect([1, 2, 10, 11, 1234].map(sayPlace)).toEqual([
      'first in line',
      'second in line',
      'tenth in line',
      'number 11 in line',
      'number 1,234 in line',
    ]);
  });

  it('is waited in for something somewhere', () => {
    const resources = { cpu_m: 4000, jobs: 1 };
    const job = { tenant: 'acme', resources };
    expect(sayAwaited({ ...job, violations: [cpu] })).toBe('4 cores in acme');
    expect(sayAwaited(job)).toBe('4 cores in acme');
    const scope = { tenant: null, pool: 'gpu' };
    expect(sayAwaited({ ...job, violations: [{ ...none, scope, code: 'pool_held' }] })).toBe(
      'pool gpu, which is held',
    );
    expect(sayAwaited({ ...job, violations: [{ ...none, scope, code: 'waiting_ahead' }] })).toBe(
      'others in pool gpu',
    );
  });
});

describe('what would let a request in', () => {
  const units = { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', license: 'seats' };

  it('is a command for each place where a tenant has too little', () => {
    const eng = { tenant: 'eng', pool: null };
    const inGpu = { tenant: 'acme', pool: 'gpu' };
    const raises = [
      { scope: acme, resource: 'cpu_m', to: 7500 },
      { scope: eng, resource: 'gpu', to: 4 },
      { scope: acme, resource: 'memory_mb', to: 8192 },
      { scope: inGpu, resource: 'license', to: 3 },
    ];
    expect(saysRaises(raises, units)).toEqual([
      'hodei quota set acme --cpu 7.5 --memory 8Gi',
      'hodei quota set eng --gpu 4',
      'hodei quota set acme --pool gpu --set license=3',
    ]);
  });

  it('is said in words of a pool, and not said of what no limit can be', () => {
    const scope = { tenant: null, pool: 'gpu' };
    expect(saysRaises([{ scope, resource: 'license', to: 3 }], units)).toEqual([
      '3 seats for pool gpu',
    ]);
    expect(saysRaises([{ scope: acme, resource: 'cpu_m', to: null }], units)).toEqual([]);
  });
});
