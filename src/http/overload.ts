import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { unavailable, type HodeiError } from '../domain/errors.ts';
import type { Service } from '../service/call.ts';

/** How much the server takes upon itself at the same time. */
export interface Limits {
  readonly connections: number;
  readonly inFlight: number;
}

/**
 * A service that begins no more than so many calls at once, and finishes those. Nothing is queued: a
 * caller who hears at once that it is too much can wait, or ask elsewhere. Requests that are slow to
 * come or slow to be taken are no calls, so that slow clients leave the others theirs.
 */
export function limitCalls(service: Service, most: number): Service {
  let underWay = 0;
  return async (...call) => {
    if (underWay >= most) {
      throw unavailable(`${most} calls are under way: this one was not begun.`, {
        hint: 'Try again in a moment.',
      });
    }
    underWay += 1;
    try {
      return await service(...call);
    } finally {
      underWay -= 1;
    }
  };
}

/**
 * Nobody waits for the answers to so many requests on one connection who also takes them: each is
 * kept until then, and may be a thousand times as large as what asked for it.
 */
const MOST_UNANSWERED = 10;

/** So many connections beyond the limit are told so; more are closed without a word. */
const SPARE_CONNECTIONS = 100;

export interface ConnectionLimit {
  /** Begins to count. */
  watch(server: Server, isTls: boolean): void;
  /** Why a request is not taken that came on this connection, which then ends; or undefined. */
  check(socket: Socket): HodeiError | undefined;
}

export function limitConnections(most: number): ConnectionLimit {
  const open = new Set<Socket>();
  const surplus = new WeakSet<Socket>();
  const unanswered = new WeakMap<Socket, number>();
  const add = (socket: Socket, count: number) =>
    void unanswered.set(socket, (unanswered.get(socket) ?? 0) + count);
  return {
    watch(server, isTls) {
      server.maxConnections = most + SPARE_CONNECTIONS;
      // With TLS, the connections below tell of themselves too, and carry no requests.
      server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
        open.add(socket);
        if (open.size > most) surplus.add(socket);
        socket.once('close', () => open.delete(socket));
      });
      // Before Fastify hears of a request.
      server.prependListener('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
        add(socket, 1);
        answer.once('close', () => add(socket, -1));
      });
    },
    check(socket) {
      if (surplus.has(socket)) {
        return unavailable(`${most} connections are open already.`, {
          hint: 'Try again in a moment, and keep a connection for many requests.',
        });
      }
      if ((unanswered.get(socket) ?? 0) <= MOST_UNANSWERED) return undefined;
      return unavailable(`${MOST_UNANSWERED} requests wait on this connection already.`, {
        hint: 'Take the answers before sending more.',
      });
    },
  };
}
