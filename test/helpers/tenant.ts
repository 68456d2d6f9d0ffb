import type * as z from 'zod';
import type { Call } from '../../src/service/operation.ts';
import { createTenant } from '../../src/service/tenants.ts';

type CreateInput = z.input<ReturnType<typeof createTenant.input>>;

/** A tenant of which only the name matters, and what else is said. */
export function makeTenant(call: Call, name: string, overrides: Partial<CreateInput> = {}) {
  return call(createTenant, { name, email: `ops@${name}.example`, ...overrides });
}

/** Several, each below the one before it: `makeLine(call, 'eng', 'web', 'shop')`. */
export async function makeLine(call: Call, ...names: string[]): Promise<void> {
  let parent: string | null = null;
  for (const name of names) {
    await makeTenant(call, name, { parent });
    parent = name;
  }
}
