import type { FastifyReply, FastifyRequest } from 'fastify';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { unavailable } from '../domain/errors.ts';
import type { Service } from '../service/call.ts';
import type { Authentication } from './authentication.ts';
import { parseInput } from '../service/input.ts';
import { isWanted, type EventWishes } from '../service/event-filter.ts';
import { followEvents } from '../service/event-follow.ts';
import type { FollowedView } from '../service/event-page.ts';
import type { Batch, Hub } from './hub.ts';
import type { Asked } from './request.ts';
import { eventBlock, EVENT_STREAM, positionBlock, retryBlock } from './sse.ts';

export interface StreamOptions {
  readonly service: Service;
  readonly authentication: Authentication;
  readonly hub: Hub;
}

/** Those who follow the events. */
export interface Streams {
  /** Answers with a stream that goes on until one of the two sides ends it. */
  open(request: FastifyRequest, reply: FastifyReply, asked: Asked): Promise<void>;
  /** Something may have been committed. */
  kick(): void;
  /** Ends all, and opens no more. */
  close(): void;
}

const MOST_STREAMS = 1_000;
/** A slow client that catches up has so many events waiting for it. */
const CAUGHT_UP_AT_ONCE = 100;
/** Shorter than what proxies and Node wait for a sign of life. */
const SIGN_OF_LIFE_MS = 15_000;

export function createStreams(options: StreamOptions): Streams {
  const { service, authentication, hub } = options;
  const streams = new Set<ServerResponse>();
  let isClosed = false;
  return {
    async open(request, reply, asked) {
      if (isClosed) throw unavailable('The server is closing.', { hint: 'Connect again.' });
      if (streams.size >= MOST_STREAMS) throw tooMany();
      const input = parseInput(followEvents, askedOf(request, asked));
      const { after, kind, ...rest } = input;
      // What is wrong with the request is answered like anything that is wrong.
      const { tenant, last } = await service(followEvents, input, asked.caller);
      const kinds = [kind ?? []].flat();
      const wishes: EventWishes = { ...rest, tenant: tenant ?? undefined, kinds };
      const read = (from: number) =>
        service(followEvents, { ...input, limit: CAUGHT_UP_AT_ONCE, after: from }, asked.caller);
      reply.hijack();
      const answer = begin(reply, after ?? last);
      streams.add(answer);
      answer.once('close', () => streams.delete(answer));
      endWhenUnknown(answer, () => authentication.identify(request.headers.authorization));
      const isHubEnough = asked.caller.boundTo === null && asked.caller.role !== 'agent';
      const following = { answer, wishes, read, hub, isHubEnough };
      void pump(following, after ?? last).finally(() => end(answer));
    },
    kick: hub.kick,
    close() {
      isClosed = true;
      hub.close();
      for (const answer of streams) end(answer);
    },
  };
}

/** A stream is gone on with where its client has seen the last event. */
function askedOf({ headers }: FastifyRequest, { input }: Asked): object {
  const lastSeen = headers['last-event-id'];
  return { ...(input as object), ...(lastSeen && { after: lastSeen }) };
}

/** What a client does not take will not leave, however long one waits. */
function end(answer: ServerResponse): void {
  if (answer.writableNeedDrain) answer.destroy();
  else answer.end();
}

function begin(reply: FastifyReply, last: number): ServerResponse {
  const { raw: answer } = reply;
  answer.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': EVENT_STREAM,
    'cache-control': 'no-store',
    // nginx would keep the events until it has a page of them.
    'x-accel-buffering': 'no',
  });
  // Who reads it may leave at any time.
  answer.on('error', () => undefined);
  answer.write(retryBlock() + positionBlock(last));
  return answer;
}

/** So often it is looked whether who listens is still somebody who may. */
const RECOGNISED_MS = 500;

function endWhenUnknown(answer: ServerResponse, identify: () => Promise<unknown>): void {
  const timer = setInterval(() => void identify().catch(() => end(answer)), RECOGNISED_MS).unref();
  answer.once('close', () => clearInterval(timer));
}

interface Following {
  readonly answer: ServerResponse;
  readonly wishes: EventWishes;
  readonly read: (after: number) => Promise<Batch>;
  readonly hub: Hub;
  /** Whether it may hear all that the hub tells; else it reads what it may hear itself. */
  readonly isHubEnough: boolean;
}

/**
 * Reads for itself what the hub is past, then hears from the hub; a client that takes more slowly
 * than there are events leaves the hub and reads for itself again, so that no more than one batch is
 * kept for it.
 */
async function pump(following: Following, after: number): Promise<void> {
  const { answer, read } = following;
  let last = after;
  for (;;) {
    await drained(answer);
    if (isOver(answer)) return;
    const batch = await read(last).catch(() => undefined);
    // The client comes back, and is told what is the matter.
    if (batch === undefined) return;
    for (const event of wantedOf(following, batch, last)) {
      await drained(answer);
      if (isOver(answer)) return;
      answer.write(eventBlock(event));
    }
    // Nobody would hear of its end any more.
    if (isOver(answer)) return;
    last = batch.last === last ? await hear(following, last) : batch.last;
  }
}

function wantedOf({ wishes }: Following, { items }: Batch, after: number): FollowedView[] {
  return items.filter((event) => event.sequence > after && isWanted(wishes, event));
}

function isOver(answer: ServerResponse): boolean {
  return answer.writableEnded || answer.destroyed;
}

async function drained(answer: ServerResponse): Promise<void> {
  if (!answer.writableNeedDrain || isOver(answer)) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = ['drain', 'close', 'finish'].map((event) => once(answer, event, { signal }));
  await Promise.race(ended).finally(() => waiting.abort());
  await Promise.allSettled(ended);
}

/** Hears from the hub until the client is too slow or gone. @returns up to where it has everything. */
function hear(following: Following, after: number): Promise<number> {
  const { answer, hub, isHubEnough } = following;
  return new Promise((resolve) => {
    let last = after;
    const leaveHub = () => {
      clearInterval(alive);
      answer.off('close', leaveHub);
      leave?.();
      resolve(last);
    };
    const alive = setInterval(() => {
      if (!answer.writableNeedDrain) answer.write(positionBlock(last));
    }, SIGN_OF_LIFE_MS).unref();
    answer.once('close', leaveHub);
    const leave = hub.join(
      {
        hear(batch) {
          // It has not taken the batch before this one yet, or may not see all of this one.
          if (answer.writableNeedDrain || isOver(answer) || !isHubEnough) {
            leaveHub();
            return;
          }
          for (const event of wantedOf(following, batch, last)) answer.write(eventBlock(event));
          last = Math.max(last, batch.last);
        },
        end() {
          end(answer);
          leaveHub();
        },
      },
      after,
    );
    if (leave === undefined) leaveHub();
  });
}

function tooMany() {
  return unavailable(`${MOST_STREAMS} streams are open already.`, {
    hint: 'Try again later, or ask without Accept: text/event-stream.',
  });
}

/** Whether somebody asks for a stream, and not for one answer. */
export function wantsStream({ method, headers }: FastifyRequest): boolean {
  const accepted = new Map((headers.accept ?? '').split(',').map(preferenceOf));
  const stream = accepted.get(EVENT_STREAM) ?? 0;
  return method === 'GET' && stream > 0 && stream >= (accepted.get('application/json') ?? 0);
}

/** A type and how much it is wanted, from 0 to 1: RFC 9110, 12.4.2. */
function preferenceOf(range: string): [type: string, quality: number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [type, quality === undefined ? 1 : Number(quality) || 0];
}
