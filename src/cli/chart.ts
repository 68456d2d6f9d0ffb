// Numbers as pictures that stand in a line of text.

const FULL = '█';
/** So many eighths of a character. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** Nothing, then from little to the most. */
const LEVELS = [...'▁▂▃▄▅▆▇█'];
const ASCII_LEVELS = [...'_.:-=+*#'];

/** A bar that is as long as the width where the value is the most. What is not nothing is seen. */
export function barOf(value: number, most: number, width: number, isUnicode: boolean): string {
  if (value <= 0 || width < 1) return '';
  const length = Math.min(1, value / most) * width;
  if (!isUnicode) return '#'.repeat(Math.max(1, Math.round(length)));
  const eighths = Math.max(1, Math.round(length * 8));
  return FULL.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** A character for each value, from zero up to the highest of them; null is a gap. */
export function sparkline(values: readonly (number | null)[], isUnicode: boolean): string {
  const levels = isUnicode ? LEVELS : ASCII_LEVELS;
  const most = values.reduce<number>((highest, value) => Math.max(highest, value ?? 0), 0);
  return values.map((value) => (value === null ? ' ' : levels[levelOf(value, most)])).join('');
}

/** What is not nothing is never drawn as nothing. */
function levelOf(value: number, most: number): number {
  return value <= 0 ? 0 : Math.ceil((value / most) * (LEVELS.length - 1));
}

/** No more values than there is room for: the mean of neighbours stands for them. */
export function squeezed(
  values: readonly (number | null)[],
  width: number,
): readonly (number | null)[] {
  const { length } = values;
  if (length <= width) return values;
  const begin = (i: number) => Math.floor((i * length) / width);
  return Array.from({ length: width }, (_, i) => meanOf(values.slice(begin(i), begin(i + 1))));
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
