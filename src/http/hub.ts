import type { Service } from '../service/call.ts';
import { followEvents } from '../service/event-follow.ts';
import type { FollowedView } from '../service/event-page.ts';
import { system } from '../service/system.ts';

/** What was read in one go: all events after the ones before, and up to which. */
export interface Batch {
  readonly items: readonly FollowedView[];
  readonly last: number;
}

export interface Listener {
  hear(batch: Batch): void;
  /** The events cannot be read, or the server closes: there will be no more. */
  end(): void;
}

/** Calls back when something may have changed, until it is told to stop. */
export type WatchChanges = (tell: () => void) => () => void;

/** Reads every new event once, for all who listen. */
export interface Hub {
  /**
   * Lets somebody hear all batches from now on who has seen everything up to `last`.
   * @returns how to leave; undefined where the hub is further, and there is more to be seen first.
   */
  join(listener: Listener, last: number): (() => void) | undefined;
  /** Something may have been committed. */
  kick(): void;
  close(): void;
}

export function createHub(
  service: Service,
  newTraceId: () => string,
  watchChanges: WatchChanges = () => () => undefined,
): Hub {
  const listeners = new Set<Listener>();
  let seen = 0;
  let isReading = false;
  let isKicked = false;
  let unwatch: (() => void) | undefined;

  const leave = (listener: Listener) => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    unwatch?.();
    unwatch = undefined;
  };
  const endAll = () => {
    for (const listener of [...listeners]) {
      leave(listener);
      listener.end();
    }
  };
  const readAll = async () => {
    isReading = true;
    const caller = system(newTraceId());
    try {
      do {
        isKicked = false;
        const batch = await service(followEvents, { after: seen }, caller);
        if (batch.last === seen) continue;
        seen = batch.last;
        // There may be more of them.
        isKicked = true;
        for (const listener of [...listeners]) listener.hear(batch);
      } while (isKicked && listeners.size > 0);
    } catch {
      // They come back, and are told what is the matter.
      endAll();
    } finally {
      isReading = false;
    }
  };
  const kick = () => {
    isKicked = true;
    if (!isReading && listeners.size > 0) void readAll();
  };

  return {
    join(listener, last) {
      const isFirst = listeners.size === 0 && !isReading;
      if (!isFirst && seen > last) return undefined;
      if (isFirst) seen = last;
      listeners.add(listener);
      unwatch ??= watchChanges(kick);
      // What was committed since it looked has been told to nobody.
      kick();
      return () => leave(listener);
    },
    kick,
    close: endAll,
  };
}
