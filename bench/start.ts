import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, ms, type Figure } from './measure.ts';

const door = fileURLToPath(new URL('../../bin/hodei.js', import.meta.url));
const WARM_UPS = 2;
const RUNS = 25;

/** Whole processes, each in turn with `node -e 0`, so that both see the same machine. */
export function measureStart(): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'hodei-bench-'));
  try {
    const db = join(folder, 'hodei.db');
    const config = join(folder, 'config.yaml');
    writeFileSync(config, 'observability:\n  logging:\n    level: info\n');
    const email = ['--email', 'ops@acme.example'];
    execFileSync(process.execPath, [door, 'tenant', 'create', 'acme', ...email, '--db', db]);
    const commands = {
      node: ['-e', '0'],
      get: [door, 'tenant', 'get', 'acme', '--db', db],
      configured: [door, 'tenant', 'get', 'acme', '--db', db, '--config', config],
      set: [door, 'quota', 'set', 'acme', '--cpu', '+1', '--db', db],
      help: [door],
    };
    const taken = timeInTurn(commands, { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder });
    const base = median(taken.node);
    const figure = (what: string, times: number[], target: string): Figure => ({
      what,
      measured: ms(median(times)),
      against: `node -e 0: ${ms(base)}`,
      ratio: median(times) / base,
      target,
    });
    return [
      figure('hodei tenant get', taken.get, '≤ 1.6'),
      figure('hodei tenant get, with a config file', taken.configured, ''),
      figure('hodei quota set (one fsync)', taken.set, ''),
      figure('hodei (help)', taken.help, ''),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function timeInTurn<Name extends string>(
  commands: Readonly<Record<Name, readonly string[]>>,
  env: NodeJS.ProcessEnv,
): Record<Name, number[]> {
  const names = Object.keys(commands) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let run = -WARM_UPS; run < RUNS; run++) {
    for (const name of names) {
      const start = performance.now();
      const { status } = spawnSync(process.execPath, commands[name], { env });
      if (status !== 0) throw new Error(`${commands[name].join(' ')} ended with ${String(status)}`);
      if (run >= 0) taken[name].push(performance.now() - start);
    }
  }
  return taken;
}
