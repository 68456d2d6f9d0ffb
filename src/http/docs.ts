import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { Operation } from '../service/operation.ts';
import { openApiDocument } from './openapi.ts';

/** All from this server; Swagger UI has styles in attributes and images in data URLs. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What a browser is to know of a page. Programs that read JSON have no use for it. */
const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** A browser that has been here by TLS comes by nothing else for a year. */
const TLS_HEADERS = { 'strict-transport-security': 'max-age=31536000' };

/** The OpenAPI document, and the page that shows it and needs no network. */
export async function addDocs(
  app: FastifyInstance,
  operations: readonly Operation[],
  version: string,
  isTls: boolean,
): Promise<void> {
  const document = openApiDocument(operations, version);
  const text = JSON.stringify(document);
  app.get('/api/openapi.json', (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(text),
  );
  // The plugin's types know OpenAPI up to 3.0 only.
  const specification = { document } as unknown as StaticDocumentSpec;
  await app.register(swagger, { mode: 'static', specification });
  await app.register(async (pages) => {
    pages.addHook('onSend', async (_request, reply) => {
      const type = String(reply.getHeader('content-type'));
      if (!type.startsWith('text/html')) return;
      reply.headers({ ...PAGE_HEADERS, ...(isTls && TLS_HEADERS) });
    });
    await pages.register(swaggerUi, {
      routePrefix: '/api/docs',
      theme: { title: 'hodei API' },
      uiConfig: { layout: 'BaseLayout', docExpansion: 'list', displayRequestDuration: true },
    });
  });
}
