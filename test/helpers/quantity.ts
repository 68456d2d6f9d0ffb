import { HodeiError } from '../../src/domain/errors.ts';

export const cpu = { name: 'cpu_m', unit: 'millicores' };
export const memory = { name: 'memory_mb', unit: 'MiB' };
export const gpu = { name: 'gpu', unit: 'count' };
export const license = { name: 'license', unit: 'seats' };
export const everyResource = [cpu, memory, gpu, license];
export const MAX = '9007199254740991';

export function resourceOf(name: string) {
  return { cpu, memory, gpu, license }[name] ?? gpu;
}

export function refusalOf(action: () => unknown): HodeiError {
  try {
    action();
  } catch (error) {
    if (error instanceof HodeiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
