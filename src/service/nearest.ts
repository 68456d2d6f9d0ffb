import { distance } from 'fastest-levenshtein';

/** The candidate that the text was probably meant to be: two typos, or a third of a long text. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const typed = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const candidate of candidates) {
    const typos = distance(typed, candidate);
    // Of a short text little is left after two typos; its first letter is rarely one of them.
    const isAlike = typos * 2 <= typed.length || candidate[0] === typed[0];
    if (typos < bestDistance && isAlike) [best, bestDistance] = [candidate, typos];
  }
  return best;
}
