import { describe, expect, it } from 'vitest';
import { Chalk } from 'chalk';
import { cutTo, padTo, widthOf } from '../../src/cli/text-width.ts';
import type { TopData } from '../../src/cli/top-data.ts';
import { painted, topFrame, type TopView } from '../../src/cli/top-frame.ts';
import { burstExample } from '../../src/service/burst-examples.ts';
import { poolExample } from '../../src/service/pool-examples.ts';
import { queuedJobExample, queueStatusExample } from '../../src/service/queue-examples.ts';
import { usageTopExample } from '../../src/service/usage-examples.ts';

const as_of = '2026-11-23T12:00:00.000Z';

const tenantCalled = (tenant: string) => ({ ...usageTopExample.tenants[0]!, tenant });
const jobCalled = (job_id: string) => ({ ...queuedJobExample, job_id, pool: 'default' });

const data: TopData = {
  as_of,
  usage: { ...usageTopExample, tenants: ['acme', 'beta', 'gamma'].map(tenantCalled) },
  pools: [poolExample],
  queues: [queueStatusExample],
  waiting: [jobCalled('render-8'), jobCalled('render-9')],
  bursts: [{ ...burstExample, state: 'active', ends_at: '2026-11-23T12:30:00.000Z' }],
};

const view: TopView = {
  data,
  place: '/var/lib/hodei/hodei.db',
  pool: undefined,
  now: Date.parse(as_of),
  aside: 'every 2 s, q quits',
  problem: undefined,
};

const noColour = new Chalk({ level: 0 });

function frame(width: number, height: number, more: Partial<TopView> = {}): string[] {
  return topFrame({ ...view, ...more }, { width, height }).map((line) => painted(line, noColour));
}

/** Names that take more places than they have letters, or would steer the terminal. */
const strange = [
  '名前'.repeat(30),
  'e\u0301'.repeat(70),
  '\u001b[2J\u0007',
  '🚀'.repeat(40),
  'x'.repeat(200),
];

describe('a frame', () => {
  it('has all there is, a head and its rows for each', () => {
    const lines = frame(100, 30);
    const heads = lines.filter((line) => /^[A-Z]{4,}/.test(line)).map((line) => line.split(' ')[0]);
    expect(heads).toEqual(['TENANTS', 'POOLS', 'NEXT', 'BURSTS']);
    expect(lines.join('\n')).toMatch(/^acme +2 % +░{12} +1.5 of 100 cores +25 % cpu +3/m);
    expect(lines.join('\n')).toMatch(/^acme +30 min left/m);
    expect(lines[0]).toMatch(
      /^hodei top {2}\d\d:\d\d:\d\d {2}\/var\/lib\/hodei\/hodei\.db +every 2 s, q quits$/,
    );
  });

  it('is never wider or higher than the screen, whatever the names are', () => {
    const odd: TopData = {
      ...data,
      usage: { ...usageTopExample, tenants: strange.map(tenantCalled) },
      waiting: strange.map(jobCalled),
      bursts: strange.map((reason) => ({ ...burstExample, state: 'active' as const, reason })),
    };
    for (const part of [data, odd]) {
      for (let width = 1; width <= 220; width += 7) {
        for (const height of [1, 2, 3, 5, 8, 10, 14, 19, 20, 24, 50]) {
          const lines = frame(width, height, { data: part });
          expect(lines.length, `${width}x${height}`).toBeLessThanOrEqual(height);
          for (const line of lines) {
            expect(widthOf(line), `${width}x${height}: ${line}`).toBeLessThanOrEqual(width);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        }
      }
    }
  });

  it('has on a small screen the first of everything, and what there are more of', () => {
    const text = frame(39, 10).join('\n');
    expect(text).toMatch(/^TENANTS 1 of 3 /m);
    for (const first of [/^acme +2 %/m, /^gpu /m, /^render-8 /m, /^acme +30 min left/m]) {
      expect(text).toMatch(first);
    }
    expect(text).not.toContain('beta');
  });

  it('fills the lines there are before it leaves anything out', () => {
    expect(frame(100, 14).join('\n')).not.toMatch(/^[A-Z]+ \d of/m);
    expect(frame(100, 12)).toHaveLength(12);
    expect(frame(100, 12).join('\n')).toMatch(/^TENANTS 2 of 3 /m);
    const more = { ...data, usage: { ...data.usage!, has_more: true } };
    expect(frame(100, 30, { data: more }).join('\n')).toMatch(/^TENANTS 3 of 3\+ /m);
  });

  it('leaves whole columns out where it is narrow, the least important first', () => {
    const headAt = (width: number) => frame(width, 30).find((line) => line.startsWith('TENANTS'));
    expect(headAt(120)).toMatch(/^TENANTS +SHARE +HOLDS MOST OF +LIMIT +RUN +CPU/);
    expect(headAt(50)).toMatch(/^TENANTS +SHARE +HOLDS MOST OF +LIMIT +RUN$/);
    expect(headAt(30)).toMatch(/^TENANTS +SHARE +LIMIT$/);
  });

  it('has the sum of those below one tenant behind them', () => {
    const [acme] = usageTopExample.tenants;
    const tenants = [acme!, { ...acme!, tenant: 'web', depth: 1 }];
    const lines = frame(80, 30, { data: { ...data, usage: { ...usageTopExample, tenants } } });
    const names = lines.filter((line) => /^(web|acme in all) /.test(line));
    expect(names.map((line) => line.split('  ')[0])).toEqual(['web', 'acme in all']);
  });

  it('says what there is none of, and what a role does not show', () => {
    const nothing: TopData = {
      ...data,
      usage: { ...usageTopExample, tenants: [] },
      pools: null,
      waiting: [],
      queues: [],
      bursts: [],
    };
    expect(frame(80, 24, { data: nothing })).toEqual([
      expect.stringContaining('hodei top'),
      '0 wait',
      '',
      'TENANTS  nobody holds anything',
      '',
      'POOLS  not for your role',
      '',
      'NEXT  nobody waits',
      '',
      'BURSTS  none is active',
    ]);
  });

  it('says why there is nothing newer', () => {
    const problem = 'Trying again: it is gone.';
    for (const height of [5, 10, 24]) expect(frame(80, height, { problem })[1]).toBe(problem);
  });

  it('paints what is nearly used up', () => {
    const full = { ...usageTopExample.tenants[0]!, total: { cpu_m: 5_900, jobs: 12 } };
    const odd = { ...data, usage: { ...usageTopExample, tenants: [full] } };
    const lines = topFrame({ ...view, data: odd }, { width: 80, height: 24 });
    const tones = lines.flat().filter(({ text }) => text.includes('98 % cpu'));
    expect(tones.map(({ tone }) => tone)).toEqual(['alarm']);
  });
});

describe('the width of a text', () => {
  it.each([
    ['acme', 4],
    ['名前', 4],
    ['e\u0301a', 2],
    ['🚀', 2],
  ])('%s is the places it takes', (text, width) => expect(widthOf(text)).toBe(width));

  it('is never exceeded by what is cut', () => {
    expect(cutTo('名前名前', 4)).toBe('名…');
    expect(cutTo('acme', 4)).toBe('acme');
    expect(cutTo('acme', 0)).toBe('');
    expect([padTo('名', 4), padTo('名', 4, true), padTo('acme', 2)]).toEqual([
      '名  ',
      '  名',
      'a…',
    ]);
  });
});
