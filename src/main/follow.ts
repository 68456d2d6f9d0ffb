import type { News } from '../cli/host.ts';
import { isPassing } from '../domain/errors.ts';
import { followEvents } from '../service/event-follow.ts';
import type { FollowInput, FollowOnce } from '../service/follow.ts';
import type { Call } from '../service/operation.ts';
import { watchChanges } from './changes.ts';
import { pause } from './waiting.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Follows the events, and goes on behind the last one when what it follows breaks off. */
export async function* followOn(
  once: FollowOnce,
  input: FollowInput,
  signal: AbortSignal,
): AsyncGenerator<News> {
  let { after } = input;
  let wait = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      let isOpen = false;
      for await (const { last, event } of once({ ...input, after }, signal)) {
        after = last;
        wait = FIRST_PAUSE_MS;
        if (!isOpen) yield { kind: 'open' };
        isOpen = true;
        if (event !== undefined) yield { kind: 'event', event };
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      yield { kind: 'broken', error };
      await pause(wait, signal);
      wait = Math.min(wait * 1.5, LONGEST_PAUSE_MS);
    }
  }
}

/** Follows the events of a file in which any process may write. */
export function followFile(path: string, call: Call): FollowOnce {
  return async function* (input, signal) {
    const news = listen(path, signal);
    try {
      let { last } = await call(followEvents, {
        ...input,
        ...(input.after === undefined && { limit: 1 }),
      });
      if (input.after !== undefined) last = input.after;
      yield { last };
      while (!signal.aborted) {
        const page = await call(followEvents, { ...input, after: last });
        for (const event of page.items) yield { last: event.sequence, event };
        if (page.last === last) await news.next();
        else yield { last: page.last };
        last = page.last;
      }
    } finally {
      news.end();
    }
  };
}

/** Remembers that something may have changed until somebody asks. */
function listen(path: string, signal: AbortSignal) {
  let isNew = false;
  let wake = () => {};
  const tell = () => {
    isNew = true;
    wake();
  };
  const unwatch = watchChanges(path, tell);
  signal.addEventListener('abort', tell);
  return {
    /** Resolves when something may have changed since the last time. */
    async next(): Promise<void> {
      if (!isNew && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      isNew = false;
    },
    end() {
      unwatch();
      signal.removeEventListener('abort', tell);
    },
  };
}
