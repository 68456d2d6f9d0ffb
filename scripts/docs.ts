/**
 * Writes docs/reference.md from the commands, the operations and the tables of codes. With --check
 * it writes nothing and fails when the file is not what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, type Option } from 'commander';
import { format } from 'prettier';
import * as z from 'zod';
import { exitCodeMeanings, exitCodes } from '../src/cli/exit-codes.ts';
import type { Host } from '../src/cli/host.ts';
import { nouns } from '../src/cli/nouns.ts';
import { buildProgram } from '../src/cli/program.ts';
import { addPlaceFlags } from '../src/cli/verb.ts';
import { processTerminal } from '../src/cli/terminal.ts';
import { configSchema } from '../src/config/schema.ts';
import { reasonCodes, reasonMeanings } from '../src/domain/admission.ts';
import { errorCodes } from '../src/domain/errors.ts';
import { roles } from '../src/domain/role.ts';
import { statusOf } from '../src/http/status.ts';
import { operations } from '../src/service/index.ts';
import { statusOfRejection } from '../src/service/job-statuses.ts';
import { pathParameters, type Operation } from '../src/service/operation.ts';

const target = new URL('../docs/reference.md', import.meta.url);

void main();

async function main(): Promise<void> {
  const text = await format(await reference(), { parser: 'markdown', printWidth: 100 });
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    process.stderr.write('docs/reference.md is not current: npm run docs\n');
    process.exitCode = 1;
  }
}

async function reference(): Promise<string> {
  return [
    '# Reference',
    'Made by `npm run docs` from the program itself; do not edit it.',
    '## Commands',
    await commandChapter(),
    '## REST',
    'Everything is below `/api/v1`; `GET /api/openapi.json` has the schemas, `/api/docs` shows them.',
    operationTable(),
    ...operations.map(operationSection),
    '## Errors and exit codes',
    errorTable(),
    exitTable(),
    '## Reasons',
    'Why a job was not admitted at once: the codes of its answer and of every violation. The list is closed.',
    reasonTable(),
    '## Config file',
    'Every key may be left out. `config.example.yaml` shows them all with their defaults.',
    configTable(),
  ].join('\n\n');
}

async function commandChapter(): Promise<string> {
  const host = { version: '' } as Host;
  const cli = { terminal: processTerminal(true), host, setExitCode: () => undefined };
  const program = buildProgram(cli);
  const shared = new Command();
  addPlaceFlags(shared);
  const sections = [
    'Every command has `--help`, and every one that acts takes these:',
    table(['Flag', 'Meaning'], shared.options.map(optionRow)),
  ];
  const isShared = new Set(shared.options.map(({ flags }) => flags));
  for (const noun of nouns) {
    const command = program.commands.find((each) => each.name() === noun.name);
    if (command === undefined) throw new Error(`no command for ${noun.name}`);
    await noun.register(cli, command);
    const leaves = command.commands.length > 0 ? command.commands : [command];
    sections.push(
      `### hodei ${noun.name}`,
      sentence(noun.summary),
      ...leaves.map((leaf) => commandSection(leaf, isShared)),
    );
  }
  return sections.join('\n\n');
}

function commandSection(command: Command, isShared: ReadonlySet<string>): string {
  const name = `${command.parent?.name() === 'hodei' ? '' : `${command.parent?.name() ?? ''} `}${command.name()}`;
  const usage = command.registeredArguments
    .map((argument) => {
      const word = argument.variadic ? `${argument.name()}...` : argument.name();
      return argument.required ? ` <${word}>` : ` [${word}]`;
    })
    .join('');
  const rows = command.options
    .filter(({ hidden, flags }) => !hidden && !isShared.has(flags))
    .map(optionRow);
  return [
    `#### \`hodei ${name}${usage}\``,
    sentence(command.summary() || command.description()),
    rows.length === 0 ? '' : table(['Flag', 'Meaning'], rows),
  ].join('\n\n');
}

function optionRow(option: Option): string[] {
  return [`\`${option.flags}\``, option.description];
}

function operationTable(): string {
  return table(
    ['Method and path', 'Operation', 'Roles'],
    operations.map((operation) => [
      `\`${operation.method} ${operation.path}\``,
      `[${operation.name}](#${operation.name.replace('.', '')})`,
      operation.roles.length === roles.length ? 'everybody' : operation.roles.join(', '),
    ]),
  );
}

function operationSection(operation: Operation): string {
  const schema = z.toJSONSchema(operation.input(), { io: 'input', unrepresentable: 'any' });
  const inPath = new Set(pathParameters(operation.path));
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const description = typeof property === 'object' ? (property.description ?? '') : '';
    const place = inPath.has(name)
      ? 'path'
      : operation.method === 'GET' || operation.method === 'DELETE'
        ? 'query'
        : 'body';
    return [`\`${name}\``, place, required.has(name) ? 'yes' : '', description];
  });
  return [
    `### ${operation.name}`,
    `\`${operation.method} /api/v1${operation.path}\``,
    sentence(operation.summary),
    rows.length === 0 ? '' : table(['Field', 'In', 'Required', 'Meaning'], rows),
  ].join('\n\n');
}

function errorTable(): string {
  return table(
    ['Code', 'HTTP status', 'Exit code'],
    errorCodes.map((code) => [`\`${code}\``, String(statusOf[code]), String(exitCodes[code])]),
  );
}

function exitTable(): string {
  return table(
    ['Exit code', 'Meaning'],
    exitCodeMeanings.map(([code, meaning]) => [String(code), meaning]),
  );
}

function reasonTable(): string {
  return table(
    ['Reason', 'Meaning', 'HTTP status of a rejection'],
    reasonCodes.map((code) => [
      `\`${code}\``,
      reasonMeanings[code],
      String(statusOfRejection(code)),
    ]),
  );
}

interface ConfigKey {
  readonly path: string;
  readonly description: string;
  readonly fallback: unknown;
}

function configTable(): string {
  const schema = z.toJSONSchema(configSchema(), { io: 'input', unrepresentable: 'any' });
  const rows = configKeys(schema, '').map(({ path, description, fallback }) => [
    `\`${path}\``,
    fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``,
    description,
  ]);
  return table(['Key', 'Default', 'Meaning'], rows);
}

function configKeys(schema: z.core.JSONSchema._JSONSchema, path: string): ConfigKey[] {
  if (typeof schema === 'boolean') return [];
  const { properties, items } = schema;
  const inner = Object.entries(properties ?? {}).flatMap(([name, property]) =>
    configKeys(property, path === '' ? name : `${path}.${name}`),
  );
  const inList = items === undefined || Array.isArray(items) ? [] : configKeys(items, `${path}[]`);
  const own =
    path === '' || path.endsWith('[]')
      ? []
      : [
          {
            path,
            description: schema.description ?? '',
            fallback: properties === undefined ? schema.default : undefined,
          },
        ];
  return [...own, ...inner, ...inList.filter((key) => key.path !== `${path}[]`)];
}

function sentence(words: string): string {
  const first = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?]$/.test(first) ? first : `${first}.`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) =>
    text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map((row) =>
      line(row.map((text) => (text.startsWith('`') ? text.replaceAll('|', '\\|') : cell(text)))),
    ),
  ].join('\n');
}
