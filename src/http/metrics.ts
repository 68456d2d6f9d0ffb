import type { FastifyInstance } from 'fastify';
import { notFound } from '../domain/errors.ts';
import {
  METRICS_CONTENT_TYPE,
  metricsText,
  type MetricFamily,
  type MetricSample,
  type MetricType,
} from '../domain/metrics.ts';
import { requireAllowed } from '../service/authority.ts';
import type { Service } from '../service/call.ts';
import { parseInput } from '../service/input.ts';
import { surroundingFamilies, type StoreSizes } from '../service/metric-families.ts';
import { heaviestOf, type WeighedTenant } from '../service/metric-tenants.ts';
import {
  costsForMetrics,
  driftForMetrics,
  factsForMetrics,
  getMetrics,
  readMeter,
  weighForMetrics,
} from '../service/metrics.ts';
import { system } from '../service/system.ts';

export interface MetricsOptions {
  readonly service: Service;
  readonly newTraceId: () => string;
  readonly version: string;
  readonly metrics: {
    readonly enabled: boolean;
    readonly path: string;
    readonly maxTenantLabels: number;
  };
  /** Of the database, where it is known. */
  readonly storeSizes?: () => StoreSizes;
}

export interface Metrics {
  /** Everything there is to tell. */
  collect(): Promise<MetricFamily[]>;
}

/** So many steps on the way through all tenants are gone for one answer: some ten milliseconds. */
const STEPS = 8;

/** What takes long to find out is found out no more often. */
const COSTS_MS = 60_000;
const DRIFT_MS = 3_600_000;

/** Remembers what was found for so long. */
function atMostEvery(ms: number) {
  let last: { readonly at: number; readonly found: MetricFamily } | undefined;
  return async (find: () => Promise<MetricFamily>): Promise<MetricFamily> => {
    if (last === undefined || performance.now() - last.at >= ms) {
      last = { found: await find(), at: performance.now() };
    }
    return last.found;
  };
}

/** Puts together what the threads of the server know. Who asks at the same time shares an answer. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { service, newTraceId, version, storeSizes } = options;
  const most = options.metrics.maxTenantLabels;
  const ranking = rankTenants(service, newTraceId, most);
  const processFamilies = processMetrics();
  const costs = atMostEvery(COSTS_MS);
  const drift = atMostEvery(DRIFT_MS);
  let current: Promise<MetricFamily[]> | undefined;
  const collect = async () => {
    const caller = system(newTraceId());
    const tenants = (await ranking()).map(({ tenant }) => tenant);
    return [
      ...surroundingFamilies(version, storeSizes?.()),
      ...(await service(readMeter, {}, caller)),
      ...(await service(factsForMetrics, { tenants, most }, caller)),
      await costs(() => service(costsForMetrics, { tenants }, caller)),
      await drift(() => service(driftForMetrics, {}, caller)),
      ...(await processFamilies()),
    ];
  };
  return {
    collect: () => (current ??= collect().finally(() => (current = undefined))),
  };
}

/**
 * The largest tenants as far as is known: all of them where there are few, and else those of the last
 * time through all, with those that were met on the way since.
 */
function rankTenants(service: Service, newTraceId: () => string, most: number) {
  let before: readonly WeighedTenant[] = [];
  let met: readonly WeighedTenant[] = [];
  let after = 0;
  return async (): Promise<WeighedTenant[]> => {
    if (most === 0) return [];
    for (let steps = 0; steps < STEPS; steps++) {
      const step = await service(weighForMetrics, { after, most }, system(newTraceId()));
      met = heaviestOf([...met, ...step.heaviest], most);
      after = step.next ?? 0;
      if (step.next !== null) continue;
      [before, met] = [met, []];
      break;
    }
    const again = new Set(met.map(({ tenant }) => tenant));
    return heaviestOf([...met, ...before.filter(({ tenant }) => !again.has(tenant))], most);
  };
}

/** The service of a server answers for all of it, and not for the database alone. */
export function answeringMetrics(service: Service, metrics: Metrics): Service {
  return async (operation, input, caller) => {
    if (operation.name !== getMetrics.name) return service(operation, input, caller);
    parseInput(getMetrics, input);
    requireAllowed(getMetrics, caller);
    return { families: await metrics.collect() } as never;
  };
}

export function addMetrics(
  app: FastifyInstance,
  { enabled, path }: MetricsOptions['metrics'],
  metrics: Metrics,
): void {
  app.get(path, { config: { operation: getMetrics.name } }, async (_request, reply) => {
    if (!enabled) {
      throw notFound(
        'Metrics are switched off.',
        'metrics.prometheus.enabled in the config file of hodei serve switches them on.',
      );
    }
    const text = metricsText(await metrics.collect());
    return reply.type(METRICS_CONTENT_TYPE).header('cache-control', 'no-store').send(text);
  });
}

/** Of Node and the process. Loaded and begun with the first answer: who never asks pays nothing. */
function processMetrics(): () => Promise<MetricFamily[]> {
  let registry: Promise<{ getMetricsAsJSON(): Promise<unknown> }> | undefined;
  const begin = async () => {
    const { collectDefaultMetrics, Registry } = await import('prom-client');
    const own = new Registry();
    collectDefaultMetrics({ register: own });
    return own;
  };
  return async () => {
    const found = (await (await (registry ??= begin())).getMetricsAsJSON()) as PromFamily[];
    return found.filter(isWellNamed).map(familyOf);
  };
}

/** What is called a total counts up, and these sums go down too; their parts are there by themselves. */
function isWellNamed({ name, type }: PromFamily): boolean {
  return type === 'counter' || !name.endsWith('_total');
}

/** As prom-client has them; its types do not know the name of a part of a histogram. */
interface PromFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly values: readonly {
    readonly value: number;
    readonly metricName?: string;
    readonly labels: Readonly<Record<string, string | number>>;
  }[];
}

function familyOf({ name, help, type, values }: PromFamily): MetricFamily {
  const samples = values
    // Before the first turn of an event loop its mean is no number.
    .filter(({ value }) => Number.isFinite(value))
    .map(({ metricName, labels, value }): MetricSample => {
      const texts = Object.entries(labels).map(([key, label]) => [key, String(label)]);
      return { name: metricName ?? name, labels: Object.fromEntries(texts) as never, value };
    });
  return { name, help, type, samples };
}
