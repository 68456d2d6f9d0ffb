const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * What is wrong with a name, or undefined. A good name is safe in shells, URLs and file names.
 * `what` it is begins the sentence: `a tenant's name`.
 */
export function nameProblem(what: string, name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  const said = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return (
    `${what} has 1 to 63 of a-z, 0-9 and -, begins with a letter and does not end with -: ` +
    `"${said}"`
  );
}

/** The good name nearest to a text; empty when nothing is left of it. */
export function nearestName(text: string): string {
  if (NAME.test(text)) return text;
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
}
