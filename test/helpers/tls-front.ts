import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from './certificate.ts';

export interface TlsFront {
  readonly url: string;
  /** What a client has to trust, as PEM. */
  readonly certificate: string;
  stop(): Promise<void>;
}

/** The same server behind TLS, as a proxy puts it. */
export async function startTlsFront(behind: string): Promise<TlsFront> {
  const { certificate, key } = makeCertificate();
  const server = createServer({ cert: certificate, key }, (asked, answer) => {
    const { method, url: path, headers } = asked;
    const passed = request(new URL(path ?? '/', behind), { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    certificate,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
