import { isForWebhook, retryDelayMs, TEST_EVENT } from '../domain/webhook.ts';
import type { Service } from '../service/call.ts';
import { followEvents } from '../service/event-follow.ts';
import type { FollowedView } from '../service/event-page.ts';
import { system } from '../service/system.ts';
import { registerWebhooks, type WebhookStart } from '../service/webhook-progress.ts';
import type { Batch, Hub } from './hub.ts';
import { attempt, type Sending, type WebhookTarget } from './webhook-attempt.ts';
import { createNotes, type Notes } from './webhook-notes.ts';
import type { Pace } from './webhook-pace.ts';

export type { WebhookTarget } from './webhook-attempt.ts';

export interface DeliveryOptions {
  readonly service: Service;
  readonly hub: Hub;
  readonly newTraceId: () => string;
  readonly pace: Pace;
  /** hodei's own. */
  readonly version: string;
}

export interface Deliveries {
  /** Gives up what is under way, and notes what was taken. */
  close(): Promise<void>;
}

/** What the database did not answer is asked again so much later. */
const READ_AGAIN_MS = 1_000;
/** A receiver that was down may be up again with us: nobody waits longer after a start. */
const LONGEST_AT_START_MS = 3_000;

/** A webhook, and from where it goes on. */
export interface Registered {
  readonly target: WebhookTarget;
  readonly start: WebhookStart;
}

/** Takes these for the webhooks that there are. @throws where nobody can tell from where they go on. */
export async function registerTargets(
  targets: readonly WebhookTarget[],
  { service, newTraceId }: Pick<DeliveryOptions, 'service' | 'newTraceId'>,
): Promise<Registered[]> {
  const webhooks = targets.map(({ name, url, kinds }) => ({ name, url, kinds: [...kinds] }));
  const starts = await service(registerWebhooks, { webhooks }, system(newTraceId()));
  return targets.flatMap((target) => {
    const start = starts.find(({ name }) => name === target.name);
    return start === undefined ? [] : [{ target, start }];
  });
}

/** Delivers events to webhooks, to each in a loop of its own, so that none keeps another one waiting. */
export function startDeliveries(
  registered: readonly Registered[],
  options: DeliveryOptions,
): Deliveries {
  const controller = new AbortController();
  const loops = registered.map((each) => deliverTo(each, options, controller.signal));
  return {
    async close() {
      controller.abort();
      await Promise.all(loops);
    },
  };
}

/** While the database does not answer, nothing is lost by waiting; undefined: the server closes. */
async function untilDone<T>(
  pace: Pace,
  closing: AbortSignal,
  work: () => Promise<T>,
): Promise<T | undefined> {
  while (!closing.aborted) {
    try {
      return await work();
    } catch {
      await pace.pause(READ_AGAIN_MS, closing);
    }
  }
  return undefined;
}

interface Delivery extends Sending {
  readonly options: DeliveryOptions;
  readonly notes: Notes;
  failures: number;
}

/** Tells one receiver of everything in its order: what it does not take is tried until it does. */
async function deliverTo(
  { target, start }: Registered,
  options: DeliveryOptions,
  closing: AbortSignal,
): Promise<void> {
  const { pace, version } = options;
  const notes = createNotes(target.name, start.sequence, options);
  const { failures, nextInMs } = start;
  const delivery: Delivery = { target, pace, version, closing, options, notes, failures };
  if (nextInMs > 0) await pace.pause(Math.min(nextInMs, LONGEST_AT_START_MS), closing);
  let last: number | undefined = start.sequence;
  while (last !== undefined) last = await goOn(delivery, last);
  await notes.close();
}

/** One step behind an event. @returns up to where there is nothing more for it; undefined: it is over. */
async function goOn(delivery: Delivery, last: number): Promise<number | undefined> {
  const { pace, closing, notes } = delivery;
  const batch = await untilDone(pace, closing, () => read(delivery, last));
  if (batch === undefined) return undefined;
  for (const event of batch.items) {
    const isDelivered = await deliver(delivery, event);
    if (!isDelivered) return undefined;
  }
  notes.passed(batch.last);
  if (batch.last > last) return batch.last;
  await notes.flush();
  return quiet(delivery, last);
}

/** The next events that are for it, and up to where that is all of them. */
async function read({ target, options }: Delivery, after: number): Promise<Batch> {
  const { service, newTraceId } = options;
  const kind = [...target.kinds, TEST_EVENT];
  const batch = await service(followEvents, { after, kind }, system(newTraceId()));
  return { ...batch, items: batch.items.filter((event) => isForWebhook(target, event)) };
}

/** Sends an event until this server or another one has delivered it. @returns false: the server closes. */
async function deliver(delivery: Delivery, event: FollowedView): Promise<boolean> {
  const { notes, pace, closing } = delivery;
  while (event.sequence > notes.sequence()) {
    if (isOver(closing)) return false;
    const { tookMs, error, retryAfterMs } = await attempt(delivery, event);
    if (error === undefined) {
      delivery.failures = 0;
      notes.taken(event.sequence, tookMs);
    } else if (!isOver(closing)) {
      delivery.failures += 1;
      const nextInMs = retryDelayMs(delivery.failures, retryAfterMs, pace.random());
      await notes.failed(event.sequence, tookMs, { error, nextInMs });
      await pace.pause(nextInMs, closing);
    }
  }
  return true;
}

function isOver({ aborted }: AbortSignal): boolean {
  return aborted;
}

/** Waits for something to be told. @returns up to where there is nothing; undefined: the server closes. */
function quiet({ target, options, closing, notes }: Delivery, after: number) {
  return new Promise<number | undefined>((resolve) => {
    let last = after;
    const leaveHub = () => {
      closing.removeEventListener('abort', leaveHub);
      leave?.();
      resolve(closing.aborted ? undefined : last);
    };
    const hear = ({ items, last: seen }: Batch) => {
      if (items.some((event) => event.sequence > last && isForWebhook(target, event))) leaveHub();
      else {
        last = Math.max(last, seen);
        notes.passed(last);
      }
    };
    closing.addEventListener('abort', leaveHub);
    // Where it cannot be read by the hub, it cannot be read better by asking again at once.
    const end = () => void options.pace.pause(READ_AGAIN_MS, closing).then(leaveHub);
    const leave = options.hub.join({ hear, end }, after);
    if (leave === undefined || closing.aborted) leaveHub();
  });
}
