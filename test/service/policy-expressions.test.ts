import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyMoment } from '../../src/domain/policy.ts';
import {
  expressionCompiler,
  MAX_EXPRESSION,
  MAX_NODES,
  type Expression,
} from '../../src/service/policy-expressions.ts';
import { bindings, countSteps, largeBindings } from '../helpers/policy.ts';

const compile = await expressionCompiler();

/** What is wrong with it, and in which column. */
function problemIn(text: string, moment: PolicyMoment = 'violation'): string {
  const compiled = compile(text, moment);
  if ('expression' in compiled) return 'none';
  return `${compiled.problem.offset + 1}: ${compiled.problem.message}`;
}

function compiledOf(text: string, moment: PolicyMoment = 'violation'): Expression {
  const compiled = compile(text, moment);
  if ('problem' in compiled) throw new Error(`${text}: ${compiled.problem.message}`);
  return compiled.expression;
}

const holds = (text: string) => compiledOf(text).ask(bindings).holds;

describe('an expression', () => {
  it.each([
    'tenant.id == "tenant-7f3k9q2m4xwz" && tenant.name == "acme"',
    'tenant.weight == 3 && tenant.weight > 2',
    'tenant.labels.tier == "gold" && "tier" in tenant.labels && size(tenant.labels) == 1',
    'tenant.ancestors == ["web", "eng"] && tenant.ancestors[0] == "web" && "eng" in tenant.ancestors',
    'request.resources.gpu == 2 && request.resources["gpu"] * 2 >= 4',
    'request.labels["a.b/c"] == "x" && !has(request.labels.team)',
    'request.priority == -5 && request.pool == "default"',
    'request.job_id == "build-812" && request.job_id.startsWith("build-")',
    'request.ttl_seconds == 3600',
    'usage.gpu == 3 && usage.cpu_m < 9007199254740992',
    'limits.gpu == 4 && !("cpu_m" in limits)',
    '(usage.gpu + request.resources.gpu) * 100 > limits.gpu * 80',
    'pool.name == "default" && pool.type == "static"',
    'pool.used.gpu == 7 && pool.capacity.gpu == 8',
    '"over_quota" in violations.codes && "gpu" in violations.resources',
    '"pool default" in violations.scopes && violations.scopes.size() == 2',
    'time.hour == 23 && time.minute == 5 && time.weekday == 1 && time.date == "2026-11-23"',
    'time.date >= "2026-11-01" && time.date < "2026-12-01"',
    'request.job_id.endsWith("812") && request.job_id.contains("ild")',
    'tenant.name.upperAscii() == "ACME" && tenant.name.lowerAscii() == tenant.name',
    'int("7") == 7 && string(7) == "7" && double(usage.gpu) / 4.0 > 0.7',
    'time.weekday in [1, 2, 3] ? true : false',
    'usage.gpu % 2 == 1 && usage.gpu / 2 == 1 && -usage.gpu < 0 && usage.gpu - 4 == -1',
    'false || true && !false',
  ])('knows what it reads: %s', (text) => {
    expect(holds(text)).toBe(true);
  });

  it('may have several lines and a comment', () => {
    expect(holds('time.hour >= 20 // at night\n  || time.hour < 7')).toBe(true);
  });

  it.each([
    ['request.labels.team == "x"', 'no such key: team'],
    ['request.labels[tenant.name] == "x"', 'no such key: acme'],
    ['limits.cpu_m > 1', 'no such key: cpu_m'],
    ['usage.gpu / (usage.gpu - 3) > 1', 'division by zero'],
    ['usage.gpu % 0 > 1', 'modulo by zero'],
    ['usage.cpu_m * usage.cpu_m > 1', /^integer overflow/],
    ['int(tenant.name) > 1', /cannot convert/],
    ['tenant.ancestors[7] == "x"', 'index out of bounds, index 7 >= size 2'],
  ])('is an error, and neither true nor false, where %s', (text, error) => {
    const outcome = compiledOf(text).ask(bindings);
    expect(outcome).toEqual({ holds: undefined, error: expect.stringMatching(error) });
  });

  it('needs no part that another one decides', () => {
    expect(holds('has(request.labels.team) && request.labels.team == "x"')).toBe(false);
    expect(holds('request.labels.team == "x" || true')).toBe(true);
    expect(holds('request.labels.team == "x" && false')).toBe(false);
  });

  it('reads only what is there by itself', () => {
    const poor = { ...bindings, request: { resources: new Map(), labels: new Map([['a', 'b']]) } };
    for (const key of ['toString', 'constructor', '__proto__', 'size']) {
      const named = { ...poor, tenant: { name: key } };
      const expression = compiledOf('request.labels[tenant.name] == "x"');
      expect(expression.ask(named)).toEqual({ holds: undefined, error: `no such key: ${key}` });
      expect(compiledOf('tenant.name in request.labels').ask(named)).toEqual({ holds: false });
    }
  });

  it('says of what does not hold which part, and what it read', () => {
    const whyNot = (text: string) => compiledOf(text).whyNot(bindings);
    expect(whyNot('time.hour == 23 && time.weekday > 5 && false')).toBe(
      'time.weekday > 5 is false: time.weekday is 1',
    );
    expect(whyNot('tenant.name == "beta" || usage.gpu > limits.gpu')).toBe(
      'tenant.name == "beta" || usage.gpu > limits.gpu is false: ' +
        'tenant.name is "acme", usage.gpu is 3, limits.gpu is 4',
    );
    expect(whyNot('request.labels.team == "x" && time.hour < 3')).toBe(
      'time.hour < 3 is false: time.hour is 23',
    );
    expect(whyNot('!("gpu" in request.resources)')).toBe('!("gpu" in request.resources) is false');
    expect(whyNot(`tenant.name in [${'"long", '.repeat(20)}"x"]`)).toMatch(/….* is false/);
  });
});

describe('an expression is refused', () => {
  it.each([
    ['tenant.name > 3', '1: string > int makes no sense: these types do not fit'],
    ['true && tenant.name > 3', '9: string > int makes no sense: these types do not fit'],
    ['request.priority', '1: this is of type int, and a rule is true or false'],
    ['  "gpu"', '3: this is of type string, and a rule is true or false'],
    ['time.hour && true', "1: logical operator requires bool operands, got 'int'"],
    ['tenant.nam == "x"', '8: tenant has no "nam"; did you mean name?'],
    ['tenat.name == "x"', '1: there is no "tenat"; did you mean tenant?'],
    ['true && has(request.label.x)', '21: request has no "label"; did you mean labels?'],
    ['request.labels.team == 1', '1: string == int makes no sense: these types do not fit'],
    ['usage.gpu == 1.0', '1: int == double makes no sense: these types do not fit'],
    ['true ? 1 : 2', '1: this is of type int, and a rule is true or false'],
    ['true ? "a" : 2', /^1: ternary branches must have the same type/],
    ['[1, "a"] == [1]', /^5: /],
    ['time.hour >=', '13: the expression ends where something is missing'],
    ['time.hour >= 20)', "16: unexpected character: ')'"],
    ['a\u202e == 1', '2: unexpected character: \\u{202e}'],
    ['time.hour $ 20', '11: unexpected character: $'],
    ['tenant.name == "x', '16: unterminated string'],
    ['tenant.name.size(1) > 1', /^1: /],
    ['starsWith("a")', '1: starsWith() is not known here; did you mean startsWith()?'],
    ['tenant.name.foo()', /^13: foo\(\) is not known here; there are has\(\), size\(\)/],
    ['has(tenant.labels["a"])', /^5: has\(\) invalid argument/],
    ['', '1: an expression is expected that is true or false'],
    [' \n ', '1: an expression is expected that is true or false'],
  ])('with its column: %s', (text, said) => {
    expect(problemIn(text)).toEqual(typeof said === 'string' ? said : expect.stringMatching(said));
  });

  it('where it speaks of violations and there are none', () => {
    const text = 'time.hour > 3 && "gpu" in violations.resources';
    expect(problemIn(text, 'violation')).toBe('none');
    expect(problemIn(text, 'request')).toBe(
      '27: there are no violations on: request: a rule on: violation knows them',
    );
  });

  const long = (part: string, count: number) => Array(count).fill(part).join('');

  it.each([
    // Patterns.
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")',
    'tenant.name.matches("a")',
    'matches(tenant.name, "a")',
    'request.labels["a"].matches(request.labels["b"])',
    // Loops, and names for values.
    'tenant.ancestors.all(a, a == "x")',
    '[1, 2, 3].exists(x, x > 2)',
    '[1, 2, 3].exists_one(x, x > 2)',
    'tenant.ancestors.map(a, a) == []',
    'tenant.ancestors.map(a, a != "x", a) == []',
    'size(tenant.ancestors.filter(a, a == "x")) > 0',
    '[[1], [2]].all(x, x.all(y, y > 0))',
    'cel.bind(x, [1, 1], x == x)',
    'tenant.labels.all(k, k == "x")',
    // Prototypes.
    'tenant.constructor == tenant.constructor',
    'tenant.__proto__ == tenant.__proto__',
    'tenant.prototype == 1',
    'request.labels.constructor == "x"',
    'request.labels.__proto__ == "x"',
    'request.labels["__proto__"] == "x"',
    'request.labels["constructor"] == "x"',
    'tenant.labels["prototype"] == "x"',
    'request.labels.toString == "x"',
    'has(request.labels.__proto__)',
    'has(tenant.labels.hasOwnProperty)',
    'usage["valueOf"] > 1',
    '"x".constructor("return 1")() == 1',
    'constructor == 1',
    '__proto__ == 1',
    'globalThis == 1',
    'process.exit(1)',
    // Types that are not declared, and ways around those that are.
    'dyn(tenant).constructor == 1',
    'dyn(1) == dyn("x")',
    'tenant == tenant',
    '[tenant] == [tenant]',
    'tenant[request.pool] == 1',
    '(true ? tenant : tenant)["name"] == "x"',
    'type(tenant.name) == string',
    'type(1) == type(2)',
    'google.protobuf.Timestamp == int',
    'null == null',
    'b"{}".json() == b"{}".json()',
    'bytes(tenant.name) == b"a"',
    '1u < 2u',
    '{"a": 1}["a"] == 1',
    '{"__proto__": {"x": 1}} == {}',
    '{} == {}',
    'optional.of(1).hasValue()',
    'request.labels.?team.hasValue()',
    'limits[?"gpu"].orValue(1) > 1',
    // What would become larger than it was.
    'tenant.name + tenant.name == "x"',
    '"a" + "b" == "ab"',
    'tenant.ancestors + tenant.ancestors == []',
    '[1] + [2] == [1, 2]',
    '["a", "b"].join(tenant.name) == "x"',
    'tenant.name.split("") == []',
    'string(tenant.name + "x") == "x"',
    'b"a" + b"b" == b"ab"',
    // Clocks of their own.
    'timestamp("2026-11-23T00:00:00Z") > timestamp(0)',
    'timestamp(0).getHours("Europe/Madrid") == 1',
    'duration("1h1h1h") > duration("1s")',
    // Too much of everything.
    `${'('.repeat(200)}true${')'.repeat(200)}`,
    `${'['.repeat(200)}${']'.repeat(200)} == []`,
    long('!', 1_999) + 'true',
    `${long('-', 1_900)}1 < 2`,
    `true${long(' || true', 240)}`,
    `1${long(' + 1', 480)} > 0`,
    `1 in [${long('1, ', 600)}1]`,
    `"${long('a', MAX_EXPRESSION)}" == ""`,
    `${long('true ? ', 200)}true${long(' : true', 200)}`,
  ])('whatever it tries: %s', (text) => {
    expect(problemIn(text)).toMatch(/^\d+: \S/);
  });

  it('at the bounds, and not before them', () => {
    const withNodes = (count: number) => `true${' || true'.repeat((count - 1) / 2)}`;
    expect(problemIn(withNodes(199))).toBe('none');
    const spaces = (length: number) => `true${' '.repeat(length - 4)}`;
    expect(problemIn(spaces(MAX_EXPRESSION))).toBe('none');
    expect(problemIn(spaces(MAX_EXPRESSION + 1))).toBe(
      '2001: an expression has at most 2000 characters',
    );
  });
});

describe('one evaluation', () => {
  const worst = [
    `"x" in tenant.ancestors${' || "x" in tenant.ancestors'.repeat(48)}`,
    `tenant.ancestors == tenant.ancestors${' && tenant.ancestors == tenant.ancestors'.repeat(36)}`,
    `tenant.labels == request.labels${' || tenant.labels == request.labels'.repeat(36)}`,
    `time.hour${' + time.hour'.repeat(90)} > 0`,
    `1 in [${'1, '.repeat(99)}1] && 2 in [${'1, '.repeat(99)}1]`,
    `${'(true ? '.repeat(19)}true${' : false)'.repeat(19)}`,
    `${'!'.repeat(30)}has(request.labels.a)`,
    `tenant.name.lowerAscii()${'.upperAscii().lowerAscii()'.repeat(15)} == ""`,
  ];

  const cases = worst.map((text, number) => ({ number, text }));

  it.each(cases)('looks at every part once at most ($number)', ({ text }) => {
    const expression = compiledOf(text);
    const { nodes, steps } = countSteps(expression, bindings);
    expect(nodes).toBeLessThanOrEqual(MAX_NODES);
    expect(steps).toBeLessThanOrEqual(nodes);
    expect(steps).toBeGreaterThan(0);
  });

  it.each(cases)('reads no more than its parts times what there is ($number)', ({ text }) => {
    const entries = 1_000;
    const { facts, reads } = largeBindings(entries);
    expect(compiledOf(text).ask(facts)).toEqual({ holds: expect.any(Boolean) });
    // Reading one of a list or map costs a few looks at it: its kind, its size, the entry.
    expect(reads()).toBeLessThanOrEqual(MAX_NODES * (entries + 10) * 3);
  });

  it('does so whatever the expression is', () => {
    fc.assert(
      fc.property(anyExpression, (text) => {
        const compiled = compile(text, 'violation');
        if ('problem' in compiled) return;
        const { nodes, steps } = countSteps(compiled.expression, bindings);
        expect(nodes).toBeLessThanOrEqual(MAX_NODES);
        expect(steps).toBeLessThanOrEqual(nodes);
      }),
      { numRuns: 500 },
    );
  });
});

/** Expressions of everything that may stand in one, most of them of fitting types. */
const anyExpression: fc.Arbitrary<string> = fc.letrec<{
  truth: string;
  number: string;
  text: string;
}>((tie) => ({
  truth: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom('true', 'false', 'has(request.labels.team)', '"gpu" in limits'),
    fc.tuple(tie('truth'), fc.constantFrom('&&', '||'), tie('truth')).map(joined),
    fc.tuple(tie('number'), fc.constantFrom('<', '==', '>='), tie('number')).map(joined),
    fc.tuple(tie('text'), fc.constantFrom('<', '==', '!='), tie('text')).map(joined),
    fc.tuple(tie('truth'), tie('truth'), tie('truth')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('truth').map((inner) => `!(${inner})`),
    tie('text').map((text) => `${text} in tenant.ancestors`),
  ),
  number: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('time.hour', 'usage.gpu', 'limits.cpu_m', '7', 'request.priority'),
    fc.tuple(tie('number'), fc.constantFrom('+', '*', '/', '%', '-'), tie('number')).map(joined),
    tie('text').map((text) => `size(${text})`),
  ),
  text: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom('tenant.name', '"x"', 'request.labels.team', 'time.date'),
    tie('text').map((text) => `${text}.upperAscii()`),
  ),
})).truth;

function joined([left, operator, right]: readonly [string, string, string]): string {
  return `(${left} ${operator} ${right})`;
}
