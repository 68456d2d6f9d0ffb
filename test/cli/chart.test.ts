import { describe, expect, it } from 'vitest';
import { barOf, sparkline, squeezed } from '../../src/cli/chart.ts';

describe('a bar', () => {
  it('is as long as the value is of the most, to the eighth of a character', () => {
    expect(barOf(100, 100, 10, true)).toBe('██████████');
    expect(barOf(50, 100, 10, true)).toBe('█████');
    expect(barOf(31, 100, 10, true)).toBe('███▏');
    expect(barOf(99, 100, 10, true)).toBe('█████████▉');
    expect(barOf(200, 100, 10, true)).toBe('██████████');
  });

  it('shows what is not nothing, and of nothing nothing', () => {
    expect(barOf(1, 1_000_000, 10, true)).toBe('▏');
    expect(barOf(1, 1_000_000, 10, false)).toBe('#');
    expect(barOf(0, 100, 10, true)).toBe('');
    expect(barOf(0, 0, 10, true)).toBe('');
    expect(barOf(-5, 100, 10, true)).toBe('');
    expect(barOf(5, 100, 0, true)).toBe('');
  });

  it('is of ASCII where nothing else is shown', () => {
    expect(barOf(50, 100, 10, false)).toBe('#####');
  });
});

describe('a sparkline', () => {
  it('goes from zero up to the highest value', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], true)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], false)).toBe('_.:-=+*#');
    expect(sparkline([90, 100], true)).toBe('██');
  });

  it('has a gap where nothing is known, and tells it from nothing', () => {
    expect(sparkline([1, null, 0, 1], true)).toBe('█ ▁█');
    expect(sparkline([null, null], true)).toBe('  ');
  });

  it('shows what is not nothing, however little', () => {
    expect(sparkline([0, 1, 1_000_000], true)).toBe('▁▂█');
    expect(sparkline([0, 0], true)).toBe('▁▁');
    expect(sparkline([], true)).toBe('');
  });
});

describe('values that are more than there is room for', () => {
  it('are squeezed to the means of neighbours', () => {
    expect(squeezed([1, 3, 5, 7], 2)).toEqual([2, 6]);
    expect(squeezed([1, 2, 3, 4, 5], 2)).toEqual([1.5, 4]);
    expect(squeezed([1, null, null, null], 2)).toEqual([1, null]);
  });

  it('stay as they are where there is room', () => {
    expect(squeezed([1, null], 2)).toEqual([1, null]);
  });
});
