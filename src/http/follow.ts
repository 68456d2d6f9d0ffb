import { HodeiError, unavailable } from '../domain/errors.ts';
import { followEvents } from '../service/event-follow.ts';
import type { FollowedView } from '../service/event-page.ts';
import type { FollowInput, FollowOnce, Step } from '../service/follow.ts';
import {
  noReply,
  notHodei,
  outputOf,
  requestOf,
  TIMEOUT_MS,
  type RemoteOptions,
} from './client.ts';
import { connectionTo } from './remote.ts';
import { blocksIn, EVENT_STREAM, type Block } from './sse.ts';

/** A server gives a sign of life every 15 s: one that is silent for so long is not there any more. */
const SILENCE_MS = 45_000;

/** Follows the events of a server, over one connection. */
export function followRemote(remote: RemoteOptions): FollowOnce {
  return async function* (input, signal) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const either = AbortSignal.any([signal, silence.signal]);
    try {
      const stream = await openStream(remote, input, either);
      for await (const block of blocksIn(heard(stream, () => timer.refresh()))) {
        const step = stepOf(block);
        if (step !== undefined) yield step;
      }
    } catch (error) {
      if (signal.aborted) return;
      // What fetch throws when a stream breaks off says nothing to people.
      throw error instanceof TypeError || silence.signal.aborted ? brokenOff(remote, error) : error;
    } finally {
      clearTimeout(timer);
    }
    if (!signal.aborted) throw brokenOff(remote);
  };
}

/** Opens the stream, which lasts until the signal or the server ends it. */
async function openStream(
  remote: RemoteOptions,
  input: FollowInput,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { timeoutMs = TIMEOUT_MS } = remote;
  const exchange = { ...connectionTo(remote), changes: false, timeoutMs };
  const { path, method } = requestOf(followEvents, { ...input }, {});
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), timeoutMs);
  const either = AbortSignal.any([signal, late.signal]);
  const headers = { accept: EVENT_STREAM };
  const init = { method, headers, redirect: 'manual', signal: either } as const;
  try {
    const response = await exchange.fetch(path, init);
    const { status, body } = response;
    if (body !== null && response.headers.get('content-type') === EVENT_STREAM) return body;
    outputOf(exchange, followEvents, { status, text: await response.text() });
    throw notHodei(exchange, status);
  } catch (error) {
    throw error instanceof HodeiError ? error : noReply(exchange, error);
  } finally {
    clearTimeout(timer);
  }
}

async function* heard(
  stream: AsyncIterable<Uint8Array>,
  hear: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    hear();
    yield chunk;
  }
}

function stepOf({ id, data }: Block): Step | undefined {
  if (id === undefined) return undefined;
  const last = Number(id);
  return data === undefined ? { last } : { last, event: JSON.parse(data) as FollowedView };
}

function brokenOff({ url }: RemoteOptions, cause?: unknown) {
  return unavailable(`The connection to ${url} broke off.`, { cause });
}
