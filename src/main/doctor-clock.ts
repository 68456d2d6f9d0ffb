import { formatDuration } from '../domain/duration.ts';
import type { SystemTime } from '../service/clock.ts';
import type { Store } from '../store/store.ts';
import type { Finding } from './finding.ts';

/** By so much the wall clock may have been corrected since the machine started. */
const TOLERATED_MS = 60_000;

/** How far hodei's clock, which nobody can set, is from the wall clock, which somebody may have set. */
export async function clockCheck(
  store: Store,
  { wallClock, uptime, boot }: SystemTime,
): Promise<Finding> {
  if (boot === undefined) {
    return { status: 'ok', finding: 'clock: the wall clock (this system has no boot id)' };
  }
  const row = await store.read((tables) => tables.clock.get());
  if (row?.boot !== boot) {
    return { status: 'ok', finding: 'clock: nothing was written since the machine started' };
  }
  const ahead = row.offset + uptime() - wallClock();
  const apart = Math.abs(ahead);
  if (apart <= TOLERATED_MS) return { status: 'ok', finding: 'clock: as the wall clock' };
  const words = ahead > 0 ? 'ahead of' : 'behind';
  return {
    status: 'warn',
    finding: `clock: ${formatDuration(Math.round(apart / 1000))} ${words} the wall clock, which was set`,
    hint: 'leases go on as they were; after a restart of the machine the wall clock holds again',
  };
}
