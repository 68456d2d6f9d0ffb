import type { HodeiError } from '../domain/errors.ts';
import { withoutTokens } from '../domain/token.ts';
import type { Service } from '../service/call.ts';
import { system } from '../service/system.ts';
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
/** All beyond these, of whomever, whatever and wherever. */
const OTHERS = 'others';

type Counted = Omit<Refusal, 'times'>;

/** Keeps the audit of who was refused, so that a flood of refusals is no flood of events. */
export function createRefusals(service: Service, newTraceId: () => string): Refusals {
  const record = async (refusal: Refusal) => {
    // Whoever is refused is told so, whether or not it can be written down.
    await service(recordRefusal, { refusal }, system(newTraceId())).catch(() => undefined);
  };
  // Apart, so that strangers cannot hide with their noise what somebody with a token tries.
  const [known, strangers] = [createTally(record), createTally(record)];
  const recordCounted = async () => {
    await known.recordCounted();
    await strangers.recordCounted();
  };
  const timer = setInterval(() => void recordCounted(), SAME_MS).unref();
  return {
    note({ who, asked, address }, { code, message }) {
      const tally = who.token === undefined ? strangers : known;
      tally.note({ who, asked, address, code, why: withoutTokens(message) });
    },
    async close() {
      clearInterval(timer);
      await recordCounted();
    },
  };
}

/** Records what is new to it at once, and counts the rest until it is asked. */
function createTally(record: (refusal: Refusal) => Promise<void>) {
  const counted = new Map<string, { readonly refusal: Counted; times: number }>();
  return {
    note(refused: Counted): void {
      const { who, asked, address, code, why } = refused;
      const same = JSON.stringify([who.principal, who.token, asked, code, why, address]);
      const isNamed = counted.has(same) || counted.size < MOST_DIFFERENT;
      const before = counted.get(isNamed ? same : OTHERS);
      if (before !== undefined) before.times += 1;
      else if (isNamed) {
        counted.set(same, { refusal: refused, times: 0 });
        void record({ ...refused, times: 1 });
      } else counted.set(OTHERS, { refusal: othersLike(refused), times: 1 });
    },
    async recordCounted(): Promise<void> {
      const all = [...counted.values()];
      counted.clear();
      for (const { refusal, times } of all) if (times > 0) await record({ ...refusal, times });
    },
  };
}

/** Nobody's name stands for what many have done. */
function othersLike({ who: { traceId } }: Counted): Counted {
  return {
    who: { principal: OTHERS, traceId },
    ...{ asked: OTHERS, code: OTHERS, address: OTHERS },
    why: `more than ${MOST_DIFFERENT} different refusals within a minute`,
  };
}
