import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadConfig } from '../../src/config/load.ts';
import { invalid } from '../../src/domain/errors.ts';
import { configSchema, describeUnknownKey, knownKeys } from '../../src/config/schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The schema of a key given as `resources[].name`. */
function schemaOf(key: string): JsonSchema {
  const root = z.toJSONSchema(configSchema(), { io: 'input' }) as JsonSchema;
  return key.split('.').reduce((schema, part) => {
    const name = part.replace('[]', '');
    const found = schema.properties?.[name] as JsonSchema;
    return part === name ? found : (found.items as JsonSchema);
  }, root);
}

/** What a section must have, once it is there. */
const required: Readonly<Record<string, string>> = {
  ...{ resources: 'name: a', pools: 'id: a', tls: 'certificate: a, key: b' },
  webhooks: 'name: a, url: http://a.example, secret: 0123456789abcdef',
};

/** YAML that has the text where the key stands, with what is needed around it. */
function fileWith(section: string, text: string): string {
  if (section === '') return text;
  return section
    .split('.')
    .toReversed()
    .reduce((inner, part) => {
      const name = part.replace('[]', '');
      const needed = required[name];
      const whole = needed === undefined ? inner : inner.replace('{', `{${needed}, `);
      return part === name ? `{${name}: ${whole}}` : `{${name}: [${whole}]}`;
    }, `{${text}}`)
    .replace(/^\{(.*)\}$/, '$1');
}

// Its keys are the names of resources, so that the catalogue decides about them.
const QUOTA = 'multi_tenancy.default_tenant_quota';
const parents = knownKeys().map((key) => key.slice(0, Math.max(0, key.lastIndexOf('.'))));
const sections = [...new Set(parents)].filter((section) => section !== QUOTA);

describe('the schema of the config file', () => {
  it('describes every key', () => {
    expect(knownKeys().length).toBeGreaterThan(20);
    expect(knownKeys().filter((key) => !schemaOf(key).description)).toEqual([]);
  });

  it.each(sections)('knows no other keys in "%s"', (section) => {
    const text = fileWith(section, 'zzzzzz: 1');
    const siblings = knownKeys().filter(
      (key) => key.slice(0, Math.max(0, key.lastIndexOf('.'))) === section,
    );
    const names = siblings.map((key) => key.slice(key.lastIndexOf('.') + 1)).join(', ');
    const at = text.indexOf('zzzzzz') + 1;
    const path = `${section.replace('[]', '[0]')}.zzzzzz`.replace(/^\./, '');
    expect(() => loadConfig({ path: 'c.yaml', text, env: {} })).toThrow(
      invalid(`c.yaml:1:${at}: ${path}: unknown key; known here: ${names}`),
    );
  });

  it.each(knownKeys().filter((key) => !key.startsWith(QUOTA)))(
    'suggests %s to those who mistype its last letter',
    (key) => {
      const path = key.split(/\.|(?=\[\])/).map((part) => (part === '[]' ? 0 : part));
      const name = String(path.at(-1));
      const typed = `${name.slice(0, -1)}_`;
      expect(describeUnknownKey([...path.slice(0, -1), typed])).toBe(
        `unknown key; did you mean ${name}?`,
      );
    },
  );

  it('suggests the section of a key that stands in the wrong one', () => {
    expect(describeUnknownKey(['port'])).toBe('unknown key; did you mean server.port?');
    expect(describeUnknownKey(['server', 'logging'])).toBe(
      'unknown key; did you mean observability.logging?',
    );
  });

  it('suggests snake_case to those who write camelCase or hyphens', () => {
    expect(describeUnknownKey(['server', 'allowedHosts'])).toContain('allowed_hosts?');
    expect(describeUnknownKey(['multi-tenancy'])).toContain('multi_tenancy?');
  });
});
