/** That a query wants a label of a metric, or only the metric. */
export interface Wanted {
  readonly metric: string;
  readonly label: string | undefined;
}

/** What this small reader would misread: it says so instead. */
const NOT_READ =
  /\b(without|on|ignoring|group_left|group_right|label_replace|label_join|count_values)\b|__name__|#/;
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** Every metric that a query of PromQL names, and every label it wants of it. */
export function wantedBy(query: string): Wanted[] {
  const bare = query.replace(/"[^"]*"/g, '""').replace(/\[[^\]]*\]/g, '');
  const unread = NOT_READ.exec(bare)?.[0];
  if (unread !== undefined) throw new Error(`${unread} is not understood here: ${query}`);
  const { rest, groupings } = takeGroupings(bare);
  return selectorsIn(rest).flatMap(({ metric, labels, at }) => {
    const grouped = groupings.filter(({ from, to }) => from < at && at < to);
    const wanted = [...labels, ...grouped.flatMap((each) => each.labels)];
    return [undefined, ...wanted].map((label) => ({ metric, label }));
  });
}

interface Grouping {
  readonly labels: readonly string[];
  /** Where what is grouped begins and ends. */
  readonly from: number;
  readonly to: number;
}

/** Takes each `by (…)` out, and leaves everything else in its place. */
function takeGroupings(query: string): { rest: string; groupings: Grouping[] } {
  const groupings: Grouping[] = [];
  const rest = query.replace(/\bby\s*\(([^)]*)\)/g, (clause, list: string, at: number) => {
    const from = at + clause.length + query.slice(at + clause.length).search(/\S|$/);
    if (query[from] !== '(') throw new Error(`by has to be before what it groups: ${query}`);
    groupings.push({ labels: namesIn(list), from, to: closing(query, from) });
    return ' '.repeat(clause.length);
  });
  return { rest, groupings };
}

/** Where the parenthesis that opens here is closed. */
function closing(query: string, from: number): number {
  for (let [at, depth] = [from, 0]; at < query.length; at++) {
    if (query[at] === '(') depth++;
    if (query[at] === ')') depth--;
    if (depth === 0) return at;
  }
  throw new Error(`A parenthesis is never closed: ${query}`);
}

function selectorsIn(query: string) {
  const words = query.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?(?!\s*\(|[\w:])/g);
  const found = [...words].filter(([, name = '']) => !OPERATORS.has(name));
  const braces = query.split('{').length - 1;
  if (found.filter(([, , labels]) => labels !== undefined).length !== braces) {
    throw new Error(`Something is selected without the name of a metric: ${query}`);
  }
  return found.map(({ 1: metric = '', 2: matchers = '', index: at }) => ({
    metric,
    labels: matchers.split(',').flatMap((matcher) => namesIn(matcher.split(/[=!]/)[0] ?? '')),
    at,
  }));
}

function namesIn(list: string): string[] {
  return list.match(/\w+/g) ?? [];
}
