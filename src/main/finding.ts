import type { Check } from '../cli/host.ts';
import { HodeiError } from '../domain/errors.ts';

/** What was found, by whoever knows the subject. */
export type Finding = Omit<Check, 'subject'>;

/** What a look finds, or what it failed with. */
export async function check(
  subject: string,
  look: () => Finding | Promise<Finding>,
): Promise<Check> {
  try {
    return { subject, ...(await look()) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof HodeiError ? hintOf(error) : undefined;
    const finding = `${subject}: ${message}`;
    return { subject, status: 'fail', finding, ...(hint !== undefined && { hint }) };
  }
}

/** What to do when the contents of the database are damaged. */
export const RESTORE_HINT = 'stop what writes to it and restore a backup: hodei db restore FILE';

function hintOf({ code, hint }: HodeiError): string | undefined {
  // Its own hint is to ask the doctor.
  return code === 'database' ? RESTORE_HINT : hint;
}
