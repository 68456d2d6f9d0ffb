import Fastify from 'fastify';
import * as z from 'zod';
import { quotaExample, tenantExample } from '../src/service/examples.ts';
import { jobExample } from '../src/service/job-examples.ts';
import { JobRequest, JobResponse } from '../src/service/schemas/job.ts';

/** What Fastify can do at most: routes of hodei with a constant reply, once the rows of a job are there. */
export function serveBareRoutes(write: (tenant: string) => Promise<unknown> | undefined): void {
  const app = Fastify({ ajv: { customOptions: { strict: false } } });
  app.get('/api/v1/tenants/:tenant', () => tenantExample);
  app.put('/api/v1/tenants/:tenant/quota', () => quotaExample);
  const body = z.toJSONSchema(JobRequest(), { target: 'draft-7', io: 'input' });
  const response = z.toJSONSchema(JobResponse(), { target: 'draft-7' });
  const schema = { body, response: { 201: response } };
  app.post<{ Body: { tenant: string } }>('/api/v1/jobs', { schema }, (request, reply) => {
    const written = write(request.body.tenant);
    reply.code(201);
    if (written === undefined) return reply.send(jobExample);
    return written.then(() => jobExample);
  });
  void app
    .listen({ host: '127.0.0.1', port: 0 })
    .then((url) => process.stderr.write(`listening on ${url}\n`));
  process.on('SIGTERM', () => void app.close().then(() => process.exit()));
}
