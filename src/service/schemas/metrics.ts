import * as z from 'zod';
import { lazy } from '../operation.ts';

export const MetricsResponse = lazy(() =>
  z
    .strictObject({
      families: z.array(
        z.strictObject({
          name: z.string(),
          help: z.string(),
          type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
          samples: z.array(
            z.strictObject({
              name: z.string().describe('With _bucket, _sum or _count where it is a part.'),
              labels: z.record(z.string(), z.string()),
              value: z.number(),
            }),
          ),
        }),
      ),
    })
    .meta({ id: 'MetricsResponse' }),
);
