import { LineCounter } from 'yaml';
import type * as z from 'zod';
import { invalid, type HodeiError } from '../domain/errors.ts';
import { checkSettings } from '../domain/settings-check.ts';
import { escapeUnprintable } from '../domain/text.ts';
import { describeProblem, SettingsDocument } from '../service/schemas/settings.ts';
import {
  parseYaml,
  pointer,
  refused,
  type Path,
  type Place,
  type Problem,
  type Tree,
} from '../service/yaml.ts';
import { MAX_CONFIG_BYTES, type Config, type ConfigSource } from './config.ts';
import { configOf, configSchema, describeUnknownKey, pathText, shorten } from './schema.ts';
import { isHidden } from './webhooks.ts';
import { isReference, nothing, readConfigTree, written } from './yaml.ts';

/** Reads the text of a config file. @throws invalid with every problem and where it stands. */
export function loadConfig({ path, text, env }: ConfigSource): Config {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const { root, faults } = parseYaml(text, lines, MAX_CONFIG_BYTES);
  if (faults.length > 0) throw refusal(path, lines, faults);
  const tree = readConfigTree(root, env, lines);
  const parsed = parseTree(tree);
  const problems = [
    ...tree.problems,
    ...(parsed.error?.issues.flatMap((issue) => issueProblems(issue, tree)) ?? []),
    ...settingsProblems(tree),
  ];
  if (parsed.data === undefined || problems.length > 0) throw refusal(path, lines, problems);
  return configOf(path, parsed.data);
}

const MAX_PROBLEMS_SHOWN = 50;

function refusal(file: string, lines: LineCounter, problems: readonly Problem[]): HodeiError {
  const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
  const sentences = inOrder.map(({ path, offset, message }) => {
    const { line, col } = lines.linePos(offset);
    const where = path.length === 0 ? '' : `${pathText(path)}: `;
    return escapeUnprintable(`${file}:${line}:${col}: ${where}${message}`);
  });
  const found = [...new Set(sentences)];
  const more = found.length - MAX_PROBLEMS_SHOWN;
  const shown = found.slice(0, MAX_PROBLEMS_SHOWN);
  return invalid([...shown, ...(more > 0 ? [`${file}: and ${more} more`] : [])].join('\n'));
}

/** Environment variables are texts; one becomes a number or a truth value where that is needed. */
function parseTree(tree: Tree) {
  const first = configSchema().safeParse(tree.value);
  const converted = first.error?.issues.filter(({ path }) => convertReference(tree, path)) ?? [];
  return converted.length === 0 ? first : configSchema().safeParse(tree.value);
}

function convertReference({ value, places }: Tree, path: Path): boolean {
  const place = places.get(pointer(path));
  if (place === undefined || !isReference(place)) return false;
  const text = String(place.value);
  if (!/^(-?\d+|true|false)$/.test(text)) return false;
  const converted = /\d/.test(text) ? Number(text) : text === 'true';
  return Reflect.set(parentOf(value, path), path.at(-1) ?? '', converted);
}

function parentOf(value: unknown, path: Path): object {
  let node = Object(value) as object;
  for (const key of path.slice(0, -1)) node = Object(Reflect.get(node, key)) as object;
  return node;
}

function issueProblems(issue: z.core.$ZodIssue, { places }: Tree): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const keyPath = [...path, key];
      const offset = places.get(pointer(keyPath))?.keyOffset ?? 0;
      return { path: keyPath, offset, message: describeUnknownKey(keyPath) };
    });
  }
  const place = places.get(pointer(path));
  if (place?.value === refused) return [];
  const offset = offsetOf(path, places);
  if (isHidden(path)) return [{ path, offset, message: issue.message }];
  const found = place === undefined ? 'nothing' : describeValue(place);
  return [{ path, offset, message: `${issue.message}, found ${found}` }];
}

/** Where the value stands; of one that is missing, where the section that lacks it begins. */
function offsetOf(path: Path, places: Tree['places']): number {
  return places.get(pointer(path))?.offset ?? offsetOf(path.slice(0, -1), places);
}

function describeValue(place: Place): string {
  const { value } = place;
  if (value === nothing) return 'no value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  return typeof value === 'string' ? `"${shorten(written(place))}"` : shorten(written(place));
}

/** What is wrong in the settings beside their shape; what has the wrong shape is passed over. */
function settingsProblems({ value, places }: Tree): Problem[] {
  const sections = Object.keys(SettingsDocument().shape);
  const whole = Object(value) as Record<string, unknown>;
  const document = Object.fromEntries(sections.map((name) => [name, whole[name]]));
  const misshapen = new Set<string>();
  for (const issue of SettingsDocument().safeParse(document).error?.issues ?? []) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const paths = keys.length === 0 ? [issue.path] : keys.map((key) => [...issue.path, key]);
    for (const path of paths.filter(({ length }) => length > 1)) {
      misshapen.add(pointer(path));
      Reflect.deleteProperty(parentOf(document, path), path.at(-1) ?? '');
    }
  }
  const settings = SettingsDocument().safeParse(document);
  if (!settings.success) return [];
  return checkSettings(settings.data)
    .filter(({ path, against = path }) => {
      return ![path, against].some((each) => misshapen.has(pointer(each)));
    })
    .map((problem) => {
      const { path, known, said } = problem;
      const isKey = known !== undefined && said === undefined;
      const keyOffset = isKey ? places.get(pointer(path))?.keyOffset : undefined;
      const offset = keyOffset ?? offsetOf(path, places);
      return { path, offset, message: describeProblem(problem) };
    });
}
