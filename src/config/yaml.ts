import type { LineCounter, ParsedNode, Scalar } from 'yaml';
import { readTree, type Place, type Tree } from '../service/yaml.ts';
import type { ConfigSource } from './config.ts';
import { describeUnknownKey, shorten } from './schema.ts';
import { isSecret } from './webhooks.ts';

/** Stands for a value that is not written; no schema accepts it. */
export const nothing = Symbol('no value');

/** What the nodes of a config file say, with the environment put in. */
export function readConfigTree(
  root: ParsedNode | null,
  env: ConfigSource['env'],
  lines: LineCounter,
): Tree {
  const tree = readTree(root, lines, {
    nothing,
    scalar(node, refuse, keys) {
      const value = scalarValue(node);
      return typeof value === 'string' && !isSecret(keys)
        ? resolveReferences(value, env, refuse)
        : value;
    },
    unknownKey: describeUnknownKey,
  });
  return { ...tree, value: tree.value === nothing ? {} : tree.value };
}

/** How the file writes it: a resolved reference is never shown. */
export function written({ scalar }: Place): string {
  return scalar?.source ?? '';
}

export function isReference(place: Place): boolean {
  return typeof place.value === 'string' && place.value !== written(place);
}

function scalarValue({ value, source }: Scalar.Parsed): unknown {
  if (value === null) return nothing;
  // 1e3 and 4000.0000000000000001 are whole only once they are rounded.
  if (Number.isInteger(value) && /[.e]/i.test(source) && !/^0x/i.test(source)) return NaN;
  return value;
}

/** Puts the values of environment variables in, once: what they contain is not resolved again. */
function resolveReferences(
  text: string,
  env: ConfigSource['env'],
  refuse: (message: string) => unknown,
): unknown {
  const faults: string[] = [];
  const resolved = text.replace(/\$\{([^}]*)\}?/g, (reference, name: string) => {
    const isName = /^[A-Za-z_]\w*$/.test(name) && reference.endsWith('}');
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (!isName) faults.push(`expected \${NAME}, found ${shorten(reference)}`);
    else if (value === undefined) faults.push(`${shorten(name)} is not set in the environment`);
    return value ?? '';
  });
  return faults[0] === undefined ? resolved : refuse(faults[0]);
}
