import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreSizes } from '../service/metric-families.ts';

/** How large the files of a database are, and how much larger they can get. */
export function storeSizes(path: string): StoreSizes {
  const { bavail, bsize } = statfsSync(dirname(path));
  return { bytes: sizeOf(path), walBytes: sizeOf(`${path}-wal`), freeBytes: bavail * bsize };
}

/** A write-ahead log comes and goes with who has the database open. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
