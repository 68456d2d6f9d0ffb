import type { Caller, Context } from './operation.ts';
import { everywhere } from './reach.ts';

/** Who acts when time runs out: nobody, but hodei itself. */
export function system(traceId: string): Caller {
  return { principal: 'hodei', role: 'admin', boundTo: null, traceId };
}

/** The same transaction, in which hodei itself acts. */
export function asSystem(context: Context): Context {
  return { ...context, reach: everywhere, caller: system(context.caller.traceId) };
}
