/** What stands on the letter before it, and takes no place of its own. */
const COMBINING = /\p{M}/u;
/** East Asian scripts and pictures, which take two places (Unicode Standard Annex 11, W and F). */
const WIDE =
  /[\u1100-\u115f\u231a-\u231b\u23e9-\u23f3\u2600-\u27bf\u2b1b-\u2b55\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1b000}-\u{1b2ff}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const PLAIN = /^[ -~]*$/;

/** How many places of a terminal a printable text takes; rather too many than too few. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

function widthOfOne(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** The text in no more than so many places; what is cut off leaves a `…`. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let [cut, taken] = ['', 0];
  for (const character of text) {
    taken += widthOfOne(character);
    if (taken > width - 1) break;
    cut += character;
  }
  return width < 1 ? '' : `${cut}…`;
}

/** In exactly so many places. */
export function padTo(text: string, width: number, isRight = false): string {
  const cut = cutTo(text, width);
  const space = ' '.repeat(width - widthOf(cut));
  return isRight ? space + cut : cut + space;
}
