import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { WebhookTarget } from '../../src/http/webhook-delivery.ts';
import { usualPace, type Pace } from '../../src/http/webhook-pace.ts';
import { fakeServer } from './helpers.ts';

export const SECRET = 'a secret of ≥ 16 characters';

/** One message as it arrived, with a signature that was found right. */
export interface Message {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly sequence: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage['headers'];
}

/** What a receiver does with a message; nothing: it takes it. */
export type Behaviour = (
  message: Message,
  response: ServerResponse,
  earlier: readonly Message[],
) => unknown;

export interface Receiver {
  readonly url: string;
  /** Every attempt, in the order in which they came. */
  readonly attempts: readonly Message[];
  /** What was answered 204, in that order. */
  readonly taken: readonly Message[];
  /** What was refused because its signature is wrong. */
  readonly strangers: readonly string[];
  /** Waits until so many were taken. */
  untilTaken(count: number): Promise<void>;
  untilTried(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A real receiver on this machine, which verifies as everybody would. */
export async function startReceiver(behave: Behaviour = () => undefined): Promise<Receiver> {
  const [attempts, taken, strangers]: [Message[], Message[], string[]] = [[], [], []];
  const waiting = new Set<() => void>();
  const tell = () => [...waiting].forEach((each) => each());
  const server = await fakeServer((request, response) => {
    void messageIn(request).then((message) => {
      if (typeof message === 'string') {
        strangers.push(message);
        response.writeHead(401).end();
        return;
      }
      const earlier = [...attempts];
      attempts.push(message);
      // Before anything is answered, so that who waits for an attempt finds it.
      if (behave(message, response, earlier) === undefined && !response.headersSent) {
        taken.push(message);
        response.writeHead(204).end();
      }
      tell();
    });
  });
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    ...{ url: `${server.url}/hook`, attempts, taken, strangers, stop: server.stop },
    untilTaken: (count) => until(() => taken.length >= count),
    untilTried: (count) => until(() => attempts.length >= count),
  };
}

/** The message in a request; why it is none where the signature is wrong. */
async function messageIn(request: IncomingMessage): Promise<Message | string> {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  await once(request, 'end');
  try {
    const webhook = new Webhook(Buffer.from(SECRET), { format: 'raw' });
    const headers = request.headers as Record<string, string>;
    const { type, data } = webhook.verify(body, headers) as Pick<Message, 'type' | 'data'>;
    const sequence = Number(data['sequence']);
    return {
      id: String(headers['webhook-id']),
      ...{ type, data, body, sequence, headers: request.headers },
    };
  } catch (error) {
    return String(error);
  }
}

export function targetAt(url: string, more: Partial<WebhookTarget> = {}): WebhookTarget {
  return { name: 'pager', url, kinds: ['tenant'], secret: () => SECRET, ...more };
}

export interface TestPace extends Pace {
  /** How long it would have waited, in order. */
  readonly pauses: readonly number[];
}

/** Waits for nothing, and remembers for how long it would have. */
export function quickPace(answerMs = 5_000): TestPace {
  const pauses: number[] = [];
  return {
    ...usualPace,
    ...{ random: () => 0, answerMs, pauses },
    async pause(milliseconds) {
      pauses.push(milliseconds);
      await new Promise(setImmediate);
    },
  };
}

/** Waits for ever where it would pause, or until the server closes. */
export function patientPace(): TestPace {
  const pace = quickPace();
  return {
    ...pace,
    async pause(milliseconds, until) {
      await pace.pause(milliseconds, until);
      if (!until.aborted) await once(until, 'abort');
    },
  };
}
