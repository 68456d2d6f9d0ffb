import * as z from 'zod';
import { eventNames, eventNouns } from '../domain/event-names.ts';
import { invalid } from '../domain/errors.ts';
import { nameProblem } from '../domain/name.ts';
import {
  defaultKinds,
  MAX_WEBHOOK_KINDS,
  MAX_WEBHOOKS,
  MIN_SECRET_LENGTH,
  urlProblem,
} from '../domain/webhook.ts';
import { nearest } from '../service/nearest.ts';
import { expected, section } from '../service/schemas/section.ts';
import type { Path } from '../service/yaml.ts';
import type { ConfigSource, WebhookConfig } from './config.ts';

/** What is shown in the place of a secret. */
export const HIDDEN = '***';

const REFERENCE = /\$\{([A-Za-z_]\w*)\}/g;

/**
 * Whether what stands there is never repeated: a secret, also one in the place of something else, and an
 * address, which may hold a password where it may not.
 */
export function isHidden([room, list, , key]: Path): boolean {
  return room === 'observability' && list === 'webhooks' && key !== 'name' && key !== 'kinds';
}

/** Whether a value is a secret, in which references are resolved by who uses it and nobody else. */
export function isSecret([room, list, , key, ...rest]: Path): boolean {
  return room === 'observability' && list === 'webhooks' && key === 'secret' && rest.length === 0;
}

export function webhooksList() {
  return z
    .array(webhook(), { error: expected('a list of webhooks') })
    .max(MAX_WEBHOOKS, { error: expected(`at most ${MAX_WEBHOOKS} webhooks`) })
    .superRefine((webhooks, check) => {
      for (const [i, { name }] of webhooks.entries()) {
        const first = webhooks.findIndex((each) => each.name === name);
        if (first === i) continue;
        const message = expected(`a name of its own, which webhooks[${first}] has not`);
        check.addIssue({ code: 'custom', path: [i, 'name'], message });
      }
    })
    .default([])
    .describe('Who is told of events, by a signed POST for each; from the next start on');
}

function webhook() {
  return section({
    name: z
      .string({ error: expected('a name such as pager') })
      .refine((name) => nameProblem('', name) === undefined, {
        error: expected('1 to 63 of a-z, 0-9 and -, from a letter and not to a -'),
      })
      .describe('How it is named: 1 to 63 of a-z, 0-9 and -, from a letter'),
    url: z
      .string({ error: expected('an address such as https://pager.example/hodei') })
      .superRefine((url, check) => {
        const problem = urlProblem(url);
        if (problem !== undefined) check.addIssue({ code: 'custom', message: expected(problem) });
      })
      .describe('Where the events are sent: http or https'),
    secret: z
      .string({ error: expected('a text, best as ${NAME} from the environment') })
      .superRefine((text, check) => {
        const problem = secretProblem(text);
        if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
      })
      .describe(`What the messages are signed with: ${MIN_SECRET_LENGTH} characters or more`),
    kinds: kindsList(),
  });
}

function kindsList() {
  return z
    .array(
      z
        .string({ error: expected('a noun such as job, or a name such as job.promote') })
        .superRefine((kind, check) => {
          const problem = kindProblem(kind);
          if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
        }),
      { error: expected('a list of nouns such as job, or names such as job.promote') },
    )
    .min(1, { error: expected('one kind at least') })
    .max(MAX_WEBHOOK_KINDS, { error: expected(`at most ${MAX_WEBHOOK_KINDS} kinds`) })
    .default([...defaultKinds])
    .describe('What it is told of: nouns such as job, or names such as job.promote');
}

function kindProblem(kind: string): string | undefined {
  const known: readonly string[] = [...eventNouns, ...eventNames];
  if (known.includes(kind)) return undefined;
  const meant = nearest(kind, known);
  if (meant !== undefined) return `no event is called so; did you mean ${meant}?`;
  return `no event is called so; there are ${eventNouns.join(', ')}`;
}

/** Of what the environment adds nothing is known yet. */
function secretProblem(text: string): string | undefined {
  if (text.replace(REFERENCE, '').includes('${')) return expected('${NAME}');
  return text.match(REFERENCE) === null ? lengthProblem(text) : undefined;
}

function lengthProblem(text: string): string | undefined {
  if (text.length >= MIN_SECRET_LENGTH) return undefined;
  return expected(`a secret of at least ${MIN_SECRET_LENGTH} characters`);
}

/** The webhooks of a file; their secrets can be asked for, and show themselves nowhere. */
export function webhooksOf(
  path: string,
  webhooks: z.output<ReturnType<typeof webhooksList>>,
): WebhookConfig[] {
  return webhooks.map(({ secret, ...webhook }, i) => ({
    ...webhook,
    secretIn: (env) => resolveSecret(secret, env, `${path}: observability.webhooks[${i}].secret`),
  }));
}

function resolveSecret(text: string, env: ConfigSource['env'], where: string): string {
  const resolved = text.replace(REFERENCE, (_, name: string) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) throw invalid(`${where}: ${name} is not set in the environment`);
    return value;
  });
  const problem = lengthProblem(resolved);
  if (problem !== undefined) throw invalid(`${where}: ${problem}, found fewer`);
  return resolved;
}
