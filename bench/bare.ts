import Fastify from 'fastify';
import * as z from 'zod';
import { quotaExample, tenantExample } from '../src/service/examples.ts';
import { jobExample } from '../src/service/job-examples.ts';
import { JobRequest, JobResponse } from '../src/service/schemas/job.ts';

// What Fastify can do at most: routes of hodei with a constant reply. Its own process.

const app = Fastify({ ajv: { customOptions: { strict: false } } });
app.get('/api/v1/tenants/:tenant', () => tenantExample);
app.put('/api/v1/tenants/:tenant/quota', () => quotaExample);
const body = z.toJSONSchema(JobRequest(), { target: 'draft-7', io: 'input' });
const response = z.toJSONSchema(JobResponse(), { target: 'draft-7' });
app.post('/api/v1/jobs', { schema: { body, response: { 201: response } } }, (_request, reply) =>
  reply.code(201).send(jobExample),
);
void app
  .listen({ host: '127.0.0.1', port: 0 })
  .then((url) => process.stderr.write(`listening on ${url}\n`));
process.on('SIGTERM', () => void app.close());
