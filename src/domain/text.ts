// Control characters, line and paragraph separators, lone surrogates, and the invisible format
// characters that reorder or hide what stands next to them (bidirectional, zero-width).
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Cf}]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** Whether people can see everything that stands in the text: no control or invisible characters. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** JSON that says the same, in which no character is invisible or takes effect on a terminal. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(EVERY_UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}

/** The text with every control or invisible character written as `\u{…}`, so that none takes effect. */
export function escapeUnprintable(text: string): string {
  return text.replace(
    EVERY_UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

// In what JSON.stringify wrote there is no other control character below these than line ends.
const MAYBE_UNPRINTABLE = /[\x7f-\uffff]/;

/** The same JSON, in which every control or invisible character stands as JSON writes it: `\u009b`. */
export function escapeInJson(json: string): string {
  if (!MAYBE_UNPRINTABLE.test(json)) return json;
  return json.replace(EVERY_UNPRINTABLE, (character) =>
    character === '\n' ? character : character.replace(/[^]/g, escapeUnit),
  );
}

/** The same YAML; where something is escaped, it stands between double quotes. */
export function escapeInYaml(yaml: string): string {
  return yaml.replace(EVERY_UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n' || character === '\t') return character;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : escapeUnit(character);
  });
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
