import type { ASTNode } from '@marcbachmann/cel-js';
import type { Bindings, Expression } from '../../src/service/policy-expressions.ts';

/** What a rule is told of a request of acme for two GPUs. */
export const bindings: Bindings = {
  tenant: {
    ...{ id: 'tenant-7f3k9q2m4xwz', name: 'acme', weight: 3n },
    labels: new Map([['tier', 'gold']]),
    ancestors: ['web', 'eng'],
  },
  request: {
    resources: new Map([
      ['gpu', 2n],
      ['jobs', 1n],
    ]),
    labels: new Map([['a.b/c', 'x']]),
    ...{ priority: -5n, pool: 'default', job_id: 'build-812', ttl_seconds: 3600n },
  },
  usage: new Map([
    ['gpu', 3n],
    ['cpu_m', 9_007_199_254_740_991n],
  ]),
  limits: new Map([['gpu', 4n]]),
  pool: {
    ...{ name: 'default', type: 'static' },
    used: new Map([['gpu', 7n]]),
    capacity: new Map([['gpu', 8n]]),
  },
  violations: { codes: ['over_quota'], resources: ['gpu'], scopes: ['acme', 'pool default'] },
  time: { hour: 23n, minute: 5n, weekday: 1n, date: '2026-11-23' },
};

/** How many nodes an expression has, and how often one of them is evaluated when it is asked. */
export function countSteps(expression: Expression, facts: Bindings) {
  let steps = 0;
  // The first time every node also looks for the function that fits it.
  expression.ask(facts);
  const nodes = nodesIn(expression.ast);
  for (const node of nodes) {
    const counted = node as unknown as { evaluate: (...args: unknown[]) => unknown };
    const inner = counted.evaluate;
    counted.evaluate = (...args) => {
      steps += 1;
      return inner.apply(node, args);
    };
  }
  expression.ask(facts);
  return { nodes: nodes.length, steps };
}

/** Every node below and including this one, whatever it is. */
function nodesIn(value: unknown): ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (typeof value !== 'object' || value === null || !('op' in value)) return [];
  const node = value as ASTNode;
  return [node, ...nodesIn(node.args)];
}

/** Facts with long lists and maps that count how often somebody looks into them. */
export function largeBindings(entries: number) {
  let count = 0;
  const list = (values: string[]) =>
    new Proxy(values, {
      get(target, key) {
        count += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
  const map = () => {
    const values = new Map(Array.from({ length: entries }, (_, i) => [`k${i}`, `v${i}`]));
    for (const method of ['get', 'has'] as const) {
      const inner = values[method].bind(values) as (key: string) => unknown;
      Object.defineProperty(values, method, {
        value: (key: string) => {
          count += 1;
          return inner(key);
        },
      });
    }
    return values;
  };
  const names = () => list(Array.from({ length: entries }, (_, i) => `t${i}`));
  const tenant = { ...(bindings.tenant as object), labels: map() };
  const facts: Bindings = {
    ...bindings,
    tenant: Object.defineProperty(tenant, 'ancestors', { get: names, enumerable: true }),
    request: { ...(bindings.request as object), labels: map() },
  };
  return { facts, reads: () => count };
}
