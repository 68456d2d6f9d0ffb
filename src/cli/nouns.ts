import type { Command } from 'commander';
import { RUN_REFUSED } from './exit-codes.ts';
import type { Cli } from './verb.ts';

/** A word after `hodei`. Its file is loaded only when it is called, which keeps the start fast. */
export interface Noun {
  readonly name: string;
  readonly summary: string;
  /** Whether more words follow; `serve` and `doctor` stand alone. */
  readonly hasVerbs: boolean;
  /** What one would really type, for the help of the noun. */
  readonly examples: readonly string[];
  /** Added to the exit codes of hodei's own errors, where a code can also be somebody else's. */
  readonly refusalBase?: number;
  /** Adds the verbs of the noun to its command. */
  register(cli: Cli, command: Command): Promise<void>;
}

export const nouns: readonly Noun[] = [
  {
    name: 'tenant',
    summary: 'who is charged: create, get, list, update, suspend, delete',
    hasVerbs: true,
    examples: [
      'tenant create acme --email ops@acme.example --cpu 4 --memory 8Gi',
      'tenant list --tree',
      'tenant update acme --label tier=gold',
    ],
    register: async (cli, command) => (await import('./commands/tenant.ts')).register(cli, command),
  },
  {
    name: 'quota',
    summary: 'how much they may use: get, set, unset, list, history',
    hasVerbs: true,
    examples: [
      'quota get acme',
      'quota set acme --cpu 6 --memory 12Gi --gpu +2',
      'quota list --over 80%',
    ],
    register: async (cli, command) => (await import('./commands/quota.ts')).register(cli, command),
  },
  {
    name: 'pool',
    summary: 'where jobs run: create, get, list, update, hold, resume, delete',
    hasVerbs: true,
    examples: [
      'pool create gpu --cpu 9 --memory 18Gi --gpu 2 --max-size 4',
      'pool get gpu',
      'pool update gpu --max-size 2 --dry-run',
    ],
    register: async (cli, command) => (await import('./commands/pool.ts')).register(cli, command),
  },
  {
    name: 'job',
    summary: 'what occupies quota: admit, release, renew, resize, list, adopt',
    hasVerbs: true,
    examples: [
      'job admit --tenant acme --cpu 2 --memory 4Gi --id build-812 --ttl 1h',
      'job release acme:build-812',
      'job list --state queued',
    ],
    register: async (cli, command) => (await import('./commands/job.ts')).register(cli, command),
  },
  {
    name: 'queue',
    summary: 'who waits, for what, and whose turn it is: list, status',
    hasVerbs: true,
    examples: ['queue list --pool gpu', 'queue status'],
    register: async (cli, command) => (await import('./commands/queue.ts')).register(cli, command),
  },
  {
    name: 'run',
    summary: 'run a command as a job, from admission to release',
    hasVerbs: false,
    examples: [],
    refusalBase: RUN_REFUSED,
    register: async (cli, command) => (await import('./commands/run.ts')).register(cli, command),
  },
  {
    name: 'explain',
    summary: 'why a job waits or was refused, and what would help',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) =>
      (await import('./commands/explain.ts')).register(cli, command),
  },
  {
    name: 'violation',
    summary: 'requests that did not fit, with the numbers of that moment',
    hasVerbs: true,
    examples: [
      'violation list --tenant acme',
      'violation list --code over_quota --since 2026-11-01',
    ],
    register: async (cli, command) =>
      (await import('./commands/violation.ts')).register(cli, command),
  },
  {
    name: 'policy',
    summary: 'rules that decide beside the limits: set, list, test, delete',
    hasVerbs: true,
    examples: [
      'policy test --tenant acme --gpu 2 -f rules.yaml',
      'policy set -f rules.yaml',
      'policy list',
    ],
    register: async (cli, command) => (await import('./commands/policy.ts')).register(cli, command),
  },
  {
    name: 'burst',
    summary: 'higher limits for a while: request, approve, deny, end, list',
    hasVerbs: true,
    examples: [
      'burst request acme --to 140% --for 2h --reason "release week"',
      'burst approve bst-4k6mpq8rtvwx',
      'burst list',
    ],
    register: async (cli, command) => (await import('./commands/burst.ts')).register(cli, command),
  },
  {
    name: 'budget',
    summary: 'what a month may cost: set, get, list, credit, correct',
    hasVerbs: true,
    examples: [
      'budget set acme --monthly 500 --on-exceeded block',
      'budget get acme',
      'budget credit acme 50 --reason "the outage of Friday"',
    ],
    register: async (cli, command) => (await import('./commands/budget.ts')).register(cli, command),
  },
  {
    name: 'usage',
    summary: 'what is held, now and over time: show, history, verify, prune',
    hasVerbs: true,
    examples: ['usage show acme', 'usage history acme --last 7d', 'usage verify'],
    register: async (cli, command) => (await import('./commands/usage.ts')).register(cli, command),
  },
  {
    name: 'advise',
    summary: 'limits that are too low or far too high, and what sets them',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/advise.ts')).register(cli, command),
  },
  {
    name: 'cost',
    summary: 'what use cost, by tenant, pool, label or job: report',
    hasVerbs: true,
    examples: ['cost report', 'cost report --month 2026-10 --by day', 'cost report --tree'],
    register: async (cli, command) => (await import('./commands/cost.ts')).register(cli, command),
  },
  {
    name: 'rate',
    summary: 'what an hour of a resource costs: list, set, unset',
    hasVerbs: true,
    examples: ['rate list', 'rate set cpu --per-hour 0.05', 'rate set burst --times 1.5'],
    register: async (cli, command) => (await import('./commands/rate.ts')).register(cli, command),
  },
  {
    name: 'audit',
    summary: 'who changed what, and proof of it: list, verify, export',
    hasVerbs: true,
    examples: ['audit list --tenant acme', 'audit verify', 'audit export > audit.ndjson'],
    register: async (cli, command) => (await import('./commands/audit.ts')).register(cli, command),
  },
  {
    name: 'watch',
    summary: 'every decision and change as it happens',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/watch.ts')).register(cli, command),
  },
  {
    name: 'webhook',
    summary: 'who is told of events, and whether they take them: list, test',
    hasVerbs: true,
    examples: ['webhook list', 'webhook test pager'],
    register: async (cli, command) =>
      (await import('./commands/webhook.ts')).register(cli, command),
  },
  {
    name: 'top',
    summary: 'who has most, and who waits: pools, queue, bursts, live',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/top.ts')).register(cli, command),
  },
  {
    name: 'metrics',
    summary: 'what Prometheus reads, with a server or without',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) =>
      (await import('./commands/metrics.ts')).register(cli, command),
  },
  {
    name: 'token',
    summary: 'who may come in through a server: create, list, revoke',
    hasVerbs: true,
    examples: [
      'token create --name ci-runner --role agent --tenant acme --expires 90d',
      'token list',
      'token revoke ci-runner',
    ],
    register: async (cli, command) => (await import('./commands/token.ts')).register(cli, command),
  },
  {
    name: 'login',
    summary: 'log in to a server, and act there from then on',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/login.ts')).register(cli, command),
  },
  {
    name: 'context',
    summary: 'where you are logged in: list, use, delete',
    hasVerbs: true,
    examples: ['context list', 'context use local'],
    register: async (cli, command) =>
      (await import('./commands/context.ts')).register(cli, command),
  },
  {
    name: 'whoami',
    summary: 'who you are, and what you are here for',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/whoami.ts')).register(cli, command),
  },
  {
    name: 'config',
    summary: 'the config file, and putting it in force',
    hasVerbs: true,
    examples: ['config init', 'config apply --dry-run'],
    register: async (cli, command) => (await import('./commands/config.ts')).register(cli, command),
  },
  {
    name: 'db',
    summary: 'the database file: status, migrate, backup, restore',
    hasVerbs: true,
    examples: ['db status', 'db backup hodei-backup.db'],
    register: async (cli, command) => (await import('./commands/db.ts')).register(cli, command),
  },
  {
    name: 'serve',
    summary: 'offer everything over REST',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/serve.ts')).register(cli, command),
  },
  {
    name: 'doctor',
    summary: 'check that everything is as it should be',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) => (await import('./commands/doctor.ts')).register(cli, command),
  },
  {
    name: 'completion',
    summary: 'completion for bash, zsh or fish',
    hasVerbs: false,
    examples: [],
    register: async (cli, command) =>
      (await import('./commands/completion.ts')).register(cli, command),
  },
];
