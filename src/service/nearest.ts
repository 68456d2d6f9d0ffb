import { distance } from 'fastest-levenshtein';

/** The candidate that the text was probably meant to be: about a third of it may be mistyped. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const typed = text.toLowerCase();
  let best: string | undefined;
  const tolerance = typed.length < 4 ? 1 : Math.max(2, Math.floor(typed.length / 3));
  let bestDistance = tolerance + 1;
  for (const candidate of candidates) {
    const typos = distance(typed, candidate);
    if (typos < bestDistance) [best, bestDistance] = [candidate, typos];
  }
  return best;
}
