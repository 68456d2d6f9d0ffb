import { readFileSync } from 'node:fs';
import type { SystemTime } from '../service/clock.ts';

export function systemTime(wallClock: () => number): SystemTime {
  return {
    wallClock,
    uptime: () => Number(process.hrtime.bigint() / 1_000_000n),
    boot: bootId(),
  };
}

/** Linux only: elsewhere nothing tells a new start of the machine from a wall clock that was set. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
