import { describe, expect, it } from 'vitest';
import { OTHERS } from '../../src/domain/metrics.ts';
import { tenantLabels } from '../../src/service/tenant-labels.ts';

function ask(labels: ReturnType<typeof tenantLabels>, tenant: string, times: number): string {
  let label = '';
  for (let i = 0; i < times; i++) label = labels.labelFor(tenant);
  return label;
}

describe('the labels of tenants', () => {
  it('name everybody while there are no more than may be named', () => {
    const labels = tenantLabels(2);
    expect([ask(labels, 'a', 1), ask(labels, 'b', 1)]).toEqual(['a', 'b']);
    expect(labels.elect()).toEqual([]);
    expect(ask(labels, 'a', 1)).toBe('a');
  });

  it('are one for all who come when there are as many as may be', () => {
    const labels = tenantLabels(1);
    ask(labels, 'a', 1);
    expect([ask(labels, 'b', 1), ask(labels, 'c', 1)]).toEqual([OTHERS, OTHERS]);
  });

  it('go to who asks twice as often, and no sooner than at an election', () => {
    const labels = tenantLabels(1);
    ask(labels, 'a', 10);
    expect(ask(labels, 'b', 19)).toBe(OTHERS);
    expect(labels.elect()).toEqual([]);
    expect(ask(labels, 'b', 100)).toBe(OTHERS);
    expect(labels.elect()).toEqual(['a']);
    expect([ask(labels, 'b', 1), ask(labels, 'a', 1)]).toEqual(['b', OTHERS]);
  });

  it('are none where nobody shall be named', () => {
    const labels = tenantLabels(0);
    expect(ask(labels, 'a', 5)).toBe(OTHERS);
    expect(labels.elect()).toEqual([]);
  });

  it('stay as few as may be, however many ask', () => {
    const labels = tenantLabels(3);
    const given = new Set<string>();
    for (let round = 0; round < 3; round++) {
      given.clear();
      for (let i = 0; i < 1_000; i++) given.add(ask(labels, `t${round}-${i}`, 1));
      labels.elect();
    }
    expect(given.size).toBeLessThanOrEqual(4);
  });
});
