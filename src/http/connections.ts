import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Lets go of all connections but those with a request under way, and of these after it. */
  release(): void;
  /** Breaks all off, also those on which no request can be seen yet. */
  cut(): void;
}

/** Keeps track of a server's connections, so that it can stop without cutting off an answer. */
export function trackConnections(server: Server): Connections {
  /** What is to be answered on each; a set of all answers would make each of them live long. */
  const sockets = new Map<Socket, ServerResponse[]>();
  const add = (socket: Socket) => {
    sockets.set(socket, []);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // What TLS has carried is known here only: below, a handshake looks like a request.
  server.on('secureConnection', add);
  server.on('request', ({ socket }, answer) => {
    const answers = sockets.get(socket);
    answers?.push(answer);
    answer.once('close', () => answers?.splice(answers.indexOf(answer), 1));
  });
  return {
    release() {
      server.closeIdleConnections();
      // To Node a connection that has never sent anything is not idle.
      for (const socket of sockets.keys()) if (socket.bytesRead === 0) socket.destroy();
      for (const answer of [...sockets.values()].flat()) {
        if (!answer.headersSent) answer.setHeader('connection', 'close');
      }
    },
    cut() {
      for (const socket of sockets.keys()) socket.destroy();
    },
  };
}
