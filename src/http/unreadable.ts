import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { invalid } from '../domain/errors.ts';
import { errorBody } from './errors.ts';
import type { ServerLog } from './logger.ts';

/** Answers, as JSON too, what Node could not read as a request, and closes the connection. */
export function answerUnreadable(log: ServerLog, newTraceId: () => string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (/^ERR_(SSL|TLS)_/.test(error.code ?? '')) {
      // Without TLS there is no way to answer.
      log.unreadable(undefined, newTraceId(), error);
      socket.destroy();
      return;
    }
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const traceId = newTraceId();
    const { status, message } = describe(error.code);
    log.unreadable(status, traceId, error);
    const body = JSON.stringify(errorBody(invalid(message), traceId));
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-trace-id: ${traceId}`,
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
}

function describe(code: string | undefined): { status: number; message: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'The request took too long to arrive.' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'The URL and the headers are together too large.' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, message: 'The chunk extensions of the body are too large.' };
    default:
      return { status: 400, message: `This is not an HTTP request (${code}).` };
  }
}
