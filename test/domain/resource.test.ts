import { describe, expect, it } from 'vitest';
import {
  builtInResources,
  dimensionOf,
  limitField,
  MAX_AMOUNT,
  resourceOfLimitField,
  spokenName,
  usageField,
} from '../../src/domain/resource.ts';

describe('the built-in resources', () => {
  it('are four, closed to everybody without a limit of his own', () => {
    expect(builtInResources.map(({ name, unit }) => `${name} in ${unit}`)).toEqual([
      'cpu_m in millicores',
      'memory_mb in MiB',
      'gpu in count',
      'jobs in count',
    ]);
    expect(builtInResources.every(({ defaultLimit }) => defaultLimit === 0)).toBe(true);
  });

  it('are spoken of and written as people do', () => {
    expect(builtInResources.map(({ name }) => spokenName(name))).toEqual([
      'cpu',
      'memory',
      'gpu',
      'jobs',
    ]);
    expect(builtInResources.map(dimensionOf)).toEqual(['cpu', 'memory', 'count', 'count']);
    expect(dimensionOf({ unit: 'seats' })).toBe('count');
  });

  it('have fields of their own in a quota document, and back', () => {
    const names = [...builtInResources.map(({ name }) => name), 'license'];
    expect(names.map(limitField)).toEqual([
      'cpu_m',
      'memory_mb',
      'gpu',
      'max_concurrent_jobs',
      'license',
    ]);
    expect(names.map(usageField)).toEqual(['cpu_m', 'memory_mb', 'gpu', 'active_jobs', 'license']);
    expect(names.map(limitField).map(resourceOfLimitField)).toEqual(names);
  });
});

it('the largest amount is the largest that JSON keeps exactly', () => {
  expect(MAX_AMOUNT).toBe(2 ** 53 - 1);
  expect(JSON.parse(JSON.stringify(MAX_AMOUNT))).toBe(MAX_AMOUNT);
});
