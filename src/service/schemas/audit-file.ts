import * as z from 'zod';
import { lazy } from '../operation.ts';
import { chainPlace } from './audit.ts';
import { instant } from './common.ts';

export const FORMAT = 'hodei-audit';
export const FORMAT_VERSION = 1;

/** The first line of an exported audit. */
export const AuditFileStart = lazy(() =>
  z.strictObject({
    format: z.literal(FORMAT),
    version: z.literal(FORMAT_VERSION),
    first_sequence: z.int().min(1),
    previous_hash: z.string(),
    exported_at: instant(),
    place: z.string(),
  }),
);

/** The last line of an exported audit. */
export const AuditFileEnd = lazy(() =>
  z.strictObject({
    end: z.literal(FORMAT),
    events: z.int(),
    last: chainPlace(),
    head: chainPlace().nullable(),
    sha256: z.string(),
  }),
);
