import type { HodeiError } from '../domain/errors.ts';
import { withoutTokens } from '../domain/token.ts';
import type { Service } from '../service/call.ts';
import { system } from '../service/settle.ts';
import { recordRefusal, type Refusal } from '../service/token-identity.ts';

export interface Refusals {
  /** Records it, unless the same was recorded a moment ago: then it is counted. */
  note(refused: Pick<Refusal, 'who' | 'asked' | 'address'>, error: HodeiError): void;
  /** Records what was only counted, and records no more. */
  close(): Promise<void>;
}

/** The same refusal is recorded at once, and then again after so long, with how often it was. */
const SAME_MS = 60_000;
/** So many that differ are recorded one by one: whoever brings about more shall not fill the audit. */
const MOST_DIFFERENT = 200;
/** All beyond these. */
const OTHERS = 'others';

/** Keeps the audit of who was refused, so that a flood of refusals is no flood of events. */
export function createRefusals(service: Service, newTraceId: () => string): Refusals {
  const counted = new Map<string, { readonly refusal: Omit<Refusal, 'times'>; times: number }>();
  const record = async (refusal: Refusal) => {
    // Whoever is refused is told so, whether or not it can be written down.
    await service(recordRefusal, { refusal }, system(newTraceId())).catch(() => undefined);
  };
  const recordCounted = async () => {
    const all = [...counted.values()];
    counted.clear();
    for (const { refusal, times } of all) if (times > 0) await record({ ...refusal, times });
  };
  const timer = setInterval(() => void recordCounted(), SAME_MS).unref();
  return {
    note({ who, asked, address }, { code, message }) {
      const why = withoutTokens(message);
      const { principal, token } = who;
      const same = JSON.stringify([principal, token, asked, code, why, address]);
      const isNamed = counted.has(same) || counted.size < MOST_DIFFERENT;
      const name = isNamed ? same : OTHERS;
      const before = counted.get(name);
      if (before !== undefined) {
        before.times += 1;
        return;
      }
      const refusal = { who, asked: isNamed ? asked : OTHERS, code, why, address };
      counted.set(name, { refusal, times: isNamed ? 0 : 1 });
      if (isNamed) void record({ ...refusal, times: 1 });
    },
    async close() {
      clearInterval(timer);
      await recordCounted();
    },
  };
}
