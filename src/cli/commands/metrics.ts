import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { metricsText } from '../../domain/metrics.ts';
import { surroundingFamilies } from '../../service/metric-families.ts';
import { getMetrics } from '../../service/metrics.ts';
import type { Run } from '../run.ts';
import { asVerb, toWholeNumber, type Cli } from '../verb.ts';

const HELP = `
Without a server it is what the database knows; what a server counts and measures itself since it
started is told only by that server: at metrics.prometheus.path, or here with --server.`;

interface Flags {
  readonly maxTenants?: number;
}

export function register(cli: Cli, command: Command): void {
  asVerb<Flags>(
    cli,
    command,
    {
      examples: [
        'metrics',
        'metrics --server http://127.0.0.1:8080',
        'metrics > /var/lib/prometheus/node-exporter/hodei.prom',
      ],
      flags: (command) =>
        command
          .option('--max-tenants <n>', 'name so many tenants of a file; else 100', toWholeNumber)
          .addHelpText('after', HELP),
    },
    async (run, _, { maxTenants }) => {
      if (!['table', 'json'].includes(run.format)) {
        throw invalid(`Metrics are the text of Prometheus or JSON, and never ${run.format}.`);
      }
      const families = await familiesOf(run, maxTenants);
      const text = run.format === 'json' ? JSON.stringify({ families }) : metricsText(families);
      run.terminal.out(text.trimEnd());
    },
  );
}

async function familiesOf(run: Run, maxTenants: number | undefined) {
  const input = maxTenants === undefined ? {} : { max_tenants: maxTenants };
  const { families } = await run.call(getMetrics, input);
  if (await run.isServer()) return families;
  const sizes = await run.host.database.sizes(run.flags);
  return [...surroundingFamilies(run.host.version, sizes), ...families];
}
