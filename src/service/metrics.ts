import * as z from 'zod';
import { MOST_TENANT_LABELS, USUAL_TENANT_LABELS, type MetricFamily } from '../domain/metrics.ts';
import { ADMINS, READERS } from '../domain/role.ts';
import type { Key, Tables } from '../store/store.ts';
import { costFamily, driftFamily } from './metric-costs.ts';
import { factsOf } from './metric-facts.ts';
import { family } from './metric-families.ts';
import {
  heaviestOf,
  weighTenants,
  type WeighedTenant,
  type WeighingStep,
} from './metric-tenants.ts';
import { operation } from './operation.ts';
import { queryInteger } from './schemas/common.ts';
import { MetricsResponse } from './schemas/metrics.ts';

export const getMetrics = operation({
  name: 'metrics.get',
  summary: 'Get the metrics that Prometheus reads, as JSON',
  method: 'GET',
  path: '/metrics',
  roles: READERS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
  input: () =>
    z.strictObject({
      max_tenants: queryInteger(0, MOST_TENANT_LABELS)
        .default(USUAL_TENANT_LABELS)
        .describe(
          'Of a file so many tenants are named; a server names as many as its config file says.',
        ),
    }),
  output: MetricsResponse,
  example: {
    input: { max_tenants: 100 },
    output: {
      families: [
        { ...family('hodei_queue_depth', [[{ pool: 'default' }, 2]]), samples: [depth()] },
      ],
    },
  },

  async run(context, { max_tenants: most }) {
    const tenants = await heaviestTenants(context.tables, most);
    const families = [
      ...(await factsOf(context, tenants, most)),
      await costFamily(context, tenants),
      await driftFamily(context.tables),
    ];
    return {
      families: families.map(({ samples, ...rest }) => ({ ...rest, samples: [...samples] })),
    };
  },
});

function depth() {
  return { name: 'hodei_queue_depth', labels: { pool: 'default' }, value: 2 };
}

/** All the way at once: for who has the file to themselves. A server goes step by step. */
async function heaviestTenants(tables: Tables, most: number): Promise<Key[]> {
  let heaviest: WeighedTenant[] = [];
  for (let after: Key | null = 0; after !== null;) {
    const step: WeighingStep = await weighTenants(tables, after, most);
    heaviest = heaviestOf([...heaviest, ...step.heaviest], most);
    after = step.next;
  }
  return heaviest.map(({ tenant }) => tenant);
}

// What a server asks its threads, to put the answer together. None of it has a route.

const internal = {
  method: 'GET',
  path: '',
  roles: ADMINS,
  reach: 'all',
  isReadOnly: true,
  isVersioned: false,
} as const;

export const weighForMetrics = operation({
  ...internal,
  name: 'metrics.weigh',
  summary: 'Find those that hold most among the next tenants',
  input: () => z.strictObject({ after: z.int(), most: z.int() }),
  output: () => z.custom<WeighingStep>(),
  example: { input: { after: 0, most: 100 }, output: { heaviest: [], next: null } },
  run: ({ tables }, { after, most }) => weighTenants(tables, after, most),
});

export const factsForMetrics = operation({
  ...internal,
  name: 'metrics.facts',
  summary: 'Get what the database knows',
  input: () => z.strictObject({ tenants: z.array(z.int()), most: z.int() }),
  output: () => z.custom<MetricFamily[]>(),
  example: { input: { tenants: [], most: 100 }, output: [] },
  run: (context, { tenants, most }) => factsOf(context, tenants, most),
});

export const costsForMetrics = operation({
  ...internal,
  name: 'metrics.costs',
  summary: 'Get what tenants have cost this month',
  input: () => z.strictObject({ tenants: z.array(z.int()) }),
  output: () => z.custom<MetricFamily>(),
  example: { input: { tenants: [] }, output: family('hodei_cost_month_to_date', []) },
  run: (context, { tenants }) => costFamily(context, tenants),
});

export const driftForMetrics = operation({
  ...internal,
  name: 'metrics.drift',
  summary: 'Compare what pools have in use with what their running jobs hold',
  input: () => z.strictObject({}),
  output: () => z.custom<MetricFamily>(),
  example: { input: {}, output: family('hodei_ledger_drift', [[{}, 0]]) },
  run: ({ tables }) => driftFamily(tables),
});

/** The thread that measures itself answers in its own way; elsewhere nothing was measured. */
export const readMeter = operation({
  ...internal,
  name: 'metrics.measured',
  summary: 'Get what was measured since the start',
  input: () => z.strictObject({}),
  output: () => z.custom<MetricFamily[]>(),
  example: { input: {}, output: [] },
  run: () => Promise.resolve<MetricFamily[]>([]),
});

/** What the thread that reads is asked for. */
export const partsOfMetrics = [weighForMetrics, factsForMetrics, costsForMetrics, driftForMetrics];
