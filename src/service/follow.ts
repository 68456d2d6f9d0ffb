import type * as z from 'zod';
import type { followEvents } from './event-follow.ts';
import type { FollowedView } from './event-page.ts';

/** What somebody wants to follow. */
export type FollowInput = Omit<
  z.input<ReturnType<typeof followEvents.input>>,
  'limit' | 'after'
> & { readonly after?: number | undefined };

/** One step of a stream: an event, or only up to where everything was looked at. */
export interface Step {
  readonly last: number;
  readonly event?: FollowedView;
}

/** Follows from a place on until it is aborted or breaks; the first step says that it has begun. */
export type FollowOnce = (input: FollowInput, signal: AbortSignal) => AsyncGenerator<Step>;
