/** Draws docs/session.svg: what a terminal really shows for the commands below. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node-pty';

const door = fileURLToPath(new URL('../bin/hodei.js', import.meta.url));

/** The first two set the scene and are not shown. */
const commands = [
  ['tenant', 'create', 'eng', '--email', 'eng@acme.example', '--cpu', '40', '--memory', '10Gi'],
  ['quota', 'set', 'eng', '--gpu', '8', '--jobs', '200'],
  ['tenant', 'create', 'acme', '--email', 'ops@acme.example', '--parent', 'eng', '--cpu', '4'],
  [
    'quota',
    'set',
    'acme',
    '--cpu',
    '6',
    '--memory',
    '12Gi',
    '--gpu',
    '+2',
    '--reason',
    'release week',
  ],
  ['quota', 'get', 'acme'],
  ['quota', 'set', 'acme', '--memory', '16G'],
  ['quota', 'history', 'acme'],
];
const SCENE = 2;

const COLUMNS = 104;
const ROW_HEIGHT = 20;
const CHARACTER_WIDTH = 8.4;
const MARGIN = 16;

/** By the number of the escape sequence. */
const styles: Readonly<Record<string, string>> = {
  '1': 'font-weight="bold" fill="#ffffff"',
  '2': 'fill="#7d8596"',
  '31': 'fill="#ff7b72"',
};

void main();

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hodei-picture-'));
  try {
    const lines: string[] = [];
    for (const [i, words] of commands.entries()) {
      const shown = await run(home, words);
      if (i < SCENE) continue;
      const typed = words.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ');
      lines.push(`\u001b[1m$ hodei ${typed}\u001b[22m`, ...shown, '');
    }
    writeFileSync(new URL('../docs/session.svg', import.meta.url), svg(lines.slice(0, -1)));
  } finally {
    rmSync(home, { recursive: true });
  }
}

function run(home: string, words: readonly string[]): Promise<string[]> {
  const env = { HOME: home, PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', TZ: 'UTC' };
  const options = { cols: COLUMNS, rows: 40, env: { ...env, SUDO_USER: 'ana', USER: 'ana' } };
  const terminal = spawn(process.execPath, [door, ...words], options);
  let text = '';
  terminal.onData((data) => (text += data));
  return new Promise((resolve) => {
    terminal.onExit(() => {
      const lines = text.replaceAll('\r', '').trimEnd().split('\n');
      // The line that says where it acts names a folder that exists only here.
      resolve(lines.filter((line) => !line.includes(home)));
    });
  });
}

function svg(lines: readonly string[]): string {
  const width = COLUMNS * CHARACTER_WIDTH + 2 * MARGIN;
  const height = lines.length * ROW_HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, i) => {
    const y = MARGIN + (i + 0.75) * ROW_HEIGHT;
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${spans(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>hodei at a terminal</title>
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#d8dce4">
${rows.join('\n')}
</g>
</svg>
`;
}

/** The few styles that hodei uses: bold, dim, red, and their ends. */
function spans(line: string): string {
  const parts = line.split(/\u001b\[(\d+)m/);
  return parts
    .map((text, i) => {
      if (i % 2 === 1) return '';
      const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const style = styles[parts[i - 1] ?? ''];
      return style === undefined ? escaped : `<tspan ${style}>${escaped}</tspan>`;
    })
    .join('');
}
