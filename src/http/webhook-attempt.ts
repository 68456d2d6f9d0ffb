import { Webhook } from 'standardwebhooks';
import { escapeInJson, escapeUnprintable } from '../domain/text.ts';
import { messageId, retryAfterMs } from '../domain/webhook.ts';
import type { FollowedView } from '../service/event-page.ts';
import type { Pace } from './webhook-pace.ts';

/** Whom to tell, and how it is known who says it. */
export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly string[];
  /** A function, because a value would be shown with what holds it. */
  secret(): string;
}

export interface Sending {
  readonly target: WebhookTarget;
  readonly pace: Pace;
  /** hodei's own. */
  readonly version: string;
  /** The server closes: what is under way is given up. */
  readonly closing: AbortSignal;
}

/** What came of one attempt to deliver an event. */
export interface Attempt {
  readonly tookMs: number;
  /** Why it was not taken; undefined: it was. */
  readonly error: string | undefined;
  /** What the receiver wishes. */
  readonly retryAfterMs: number | undefined;
}

/** Sends an event once. Whatever is not answered 2xx was not taken, as far as anybody knows. */
export async function attempt(sending: Sending, event: FollowedView): Promise<Attempt> {
  const { pace, closing, target } = sending;
  const began = pace.passed();
  const ended = (error?: string, wish?: number): Attempt => {
    const tookMs = Math.max(0, Math.round(pace.passed() - began));
    return { tookMs, error, retryAfterMs: wish };
  };
  const patience = patienceOf(pace.answerMs, closing);
  try {
    const { signal } = patience;
    const response = await fetch(target.url, { ...messageOf(sending, event), signal });
    if (response.ok) {
      const taken = ended();
      await beginningOf(response, REST_MS);
      return taken;
    }
    const wish = retryAfterMs(response.headers.get('retry-after'), pace.now());
    const body = await beginningOf(response);
    return ended(sayAnswer(target, response, body), wish);
  } catch (cause) {
    if (patience.isOver()) return ended(`did not answer within ${pace.answerMs / 1000} s`);
    return ended(sayFailure(cause));
  } finally {
    patience.end();
  }
}

/** Ends an attempt that takes too long, or that the server does not wait for any more. */
function patienceOf(milliseconds: number, closing: AbortSignal) {
  const controller = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, milliseconds);
  const giveUp = () => controller.abort();
  closing.addEventListener('abort', giveUp);
  if (closing.aborted) giveUp();
  return {
    signal: controller.signal,
    isOver: () => isOver,
    end() {
      clearTimeout(timer);
      closing.removeEventListener('abort', giveUp);
    },
  };
}

/** As https://www.standardwebhooks.com has it. */
function messageOf({ target, pace, version }: Sending, event: FollowedView) {
  const message = { type: event.operation, timestamp: event.time, data: event };
  const body = escapeInJson(JSON.stringify(message));
  const id = messageId(target.name, event);
  const time = new Date(pace.now());
  const signer = new Webhook(Buffer.from(target.secret()), { format: 'raw' });
  const headers = {
    'content-type': 'application/json',
    'user-agent': `hodei/${version}`,
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
    'webhook-signature': signer.sign(id, time, body),
  };
  // Elsewhere nobody has said that the events may go.
  return { method: 'POST', headers, body, redirect: 'manual' } as const;
}

/** Of what a receiver says, so much is read. */
const READ_BYTES = 2_048;
/** And so much is kept. */
const KEPT_CHARACTERS = 200;

/** What a receiver says at first, and no longer than so; then the connection is closed or used again. */
async function beginningOf({ body }: Response, milliseconds?: number): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const cancel = () => void reader.cancel().catch(() => undefined);
  const timer = milliseconds === undefined ? undefined : setTimeout(cancel, milliseconds);
  const decoder = new TextDecoder();
  let text = '';
  let left = READ_BYTES;
  try {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.length;
    }
  } catch {
    // What broke off says as much as was read of it.
  } finally {
    clearTimeout(timer);
    cancel();
  }
  return text;
}

/** How long the rest of an answer is waited for that says yes already, to keep the connection. */
const REST_MS = 200;

function sayAnswer(target: WebhookTarget, { status, headers }: Response, body: string): string {
  const secret = target.secret();
  // A receiver may say what it expected.
  const safe = [secret, Buffer.from(secret).toString('base64')]
    .reduce((text, each) => text.replaceAll(each, '***'), body)
    .replace(/\s+/g, ' ')
    .trim();
  const said = escapeUnprintable(withoutBeginning(safe, secret)).slice(0, KEPT_CHARACTERS);
  const to = status >= 300 && status < 400 && headers.has('location') ? ' (a redirect)' : '';
  return `answered ${status}${to}${said === '' ? '' : `: ${said}`}`;
}

/** What was read may end in the middle of the secret: then that much of it goes, too. */
function withoutBeginning(text: string, secret: string): string {
  for (const each of [secret, Buffer.from(secret).toString('base64')]) {
    for (let length = each.length - 1; length >= 4; length--) {
      if (text.endsWith(each.slice(0, length))) return `${text.slice(0, -length)}***`;
    }
  }
  return text;
}

/** What fetch throws says why only in its cause. */
function sayFailure(thrown: unknown): string {
  const { cause } = Object(thrown) as { cause?: unknown };
  const { code, message } = Object(cause ?? thrown) as { code?: unknown; message?: unknown };
  const why = typeof code === 'string' ? code : String(message);
  const known = reasons[why] ?? `cannot be reached: ${why}`;
  return escapeUnprintable(known).slice(0, KEPT_CHARACTERS);
}

const reasons: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'closed the connection without an answer',
  ECONNRESET: 'closed the connection without an answer',
  ECONNREFUSED: 'cannot be reached: nobody listens there',
  ENOTFOUND: 'cannot be reached: nobody knows its name',
  EAI_AGAIN: 'cannot be reached: its name cannot be looked up now',
  UND_ERR_CONNECT_TIMEOUT: 'cannot be reached: it does not take the connection',
};
