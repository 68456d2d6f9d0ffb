import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export interface Prometheus {
  /** What it answers, as JSON; undefined while it does not. */
  ask(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  readonly folder: string;
  /** Host and port of a hodei server. */
  readonly target: string;
  readonly token?: string;
  /** The text of a file of rules. */
  readonly rules?: string;
}

/** A real one, which reads a server four times a second. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { folder, target, token, rules } = options;
  const port = await freePort();
  if (token !== undefined) writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  if (rules !== undefined) writeFileSync(join(folder, 'alerts.yaml'), rules);
  const scraped = { job_name: 'hodei', static_configs: [{ targets: [target] }] };
  const authorization = { credentials_file: 'token' };
  const config = {
    global: { scrape_interval: '250ms', evaluation_interval: '250ms' },
    rule_files: rules === undefined ? [] : ['alerts.yaml'],
    scrape_configs: [token === undefined ? scraped : { ...scraped, authorization }],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const flags = [
    ...['--config.file=prometheus.yml', '--storage.tsdb.path=prometheus-data'],
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', flags, { cwd: folder, stdio: 'ignore' });
  return {
    async ask(path, parameters = {}) {
      const query = new URLSearchParams(parameters).toString();
      const url = `http://127.0.0.1:${port}${path}?${query}`;
      const answer = await fetch(url).catch(() => undefined);
      return answer?.status === 503 ? undefined : answer?.json();
    },
    async stop() {
      if (child.kill('SIGTERM')) await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits far longer than it takes. */
export async function untilThere<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let looks = 0; looks < 250; looks++) {
    const found = await look();
    if (found !== undefined) return found;
    await setTimeout(100);
  }
  throw new Error(`There was never ${what}`);
}
