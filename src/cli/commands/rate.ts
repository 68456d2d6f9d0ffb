import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { MAX_PRICE, parseMicros } from '../../domain/money.ts';
import { BURST_RATE } from '../../domain/rate.ts';
import { resourceOfWord } from '../../domain/resource.ts';
import type { RateView } from '../../service/rate-view.ts';
import { listRates, setRate, unsetRate } from '../../service/rates.ts';
import { toInstantByUtc } from '../instant.ts';
import { rateListing, sayRateChange } from '../rate-words.ts';
import { note, print, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, noun: Command): void {
  addList(cli, noun);
  addSet(cli, noun);
  addUnset(cli, noun);
}

function addList(cli: Cli, noun: Command): void {
  addVerb<{ all?: boolean }>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'what an hour costs now and from when on it changes, and who said so',
      examples: ['rate list', 'rate list --all', 'rate list -o csv'],
      flags: (command) => command.option('--all', 'also those that hold no more'),
    },
    async (run, _, { all }) => {
      const rates = await run.call(listRates, all === true ? { all } : {});
      const listing = rateListing(run.format, rates.currency);
      await print(run, { document: rates, rows: rates.items, listing });
      if (run.format === 'table' && rates.items.length === 0) note(run, 'Nothing has a price.');
    },
  );
}

interface WhereFlags {
  readonly pool?: string;
  readonly from?: string;
}

function withWhere(command: Command): Command {
  return command
    .option('--pool <pool>', 'only in this pool; else everywhere')
    .option(
      '--from <time>',
      'from a day (UTC) or time on, else from now on; in the past a whole hour',
      toInstantByUtc,
    );
}

interface SetFlags extends WhereFlags {
  readonly perHour?: number;
  readonly times?: number;
}

function addSet(cli: Cli, noun: Command): void {
  addVerb<SetFlags>(
    cli,
    noun,
    {
      usage: 'set <resource>',
      summary: 'say what a core, a GiB or one of a resource costs for an hour, from a time on',
      examples: [
        'rate set cpu --per-hour 0.05',
        'rate set memory --per-hour 0.01 --from 2026-12-01',
        'rate set gpu --per-hour 3.20 --pool a100 --reason "new machines"',
        'rate set burst --times 1.5',
      ],
      changes: true,
      flags: (command) =>
        withWhere(
          command
            .option('--per-hour <price>', 'of a core, a GiB or one, to six decimals', (text) =>
              parseMicros(text, MAX_PRICE),
            )
            .option(
              '--times <factor>',
              'of burst: how many times as much a use under a session costs',
              (text) => parseMicros(text, MAX_PRICE, 'factor'),
            ),
        ),
    },
    async (run, [word], flags) => {
      const resource = resourceOfWord(String(word));
      const price = priceOf(resource, flags);
      const where = whereOf(flags);
      await change(run, () => run.call(setRate, { resource, price_micro: price, ...where }));
    },
  );
}

function priceOf(resource: string, { perHour, times }: SetFlags): number {
  const isBurst = resource === BURST_RATE;
  const [price, other] = isBurst ? [times, perHour] : [perHour, times];
  if (price !== undefined && other === undefined) return price;
  if (isBurst) {
    throw invalid('burst is no resource: it says how many times as much.', 'Say --times 1.5');
  }
  if (other === undefined) throw invalid('What does it cost?', 'Say --per-hour 0.05');
  throw invalid('Only burst is said in times.', 'Say --per-hour 0.05');
}

function whereOf({ pool, from }: WhereFlags): WhereFlags {
  return { ...(pool !== undefined && { pool }), ...(from !== undefined && { from }) };
}

function addUnset(cli: Cli, noun: Command): void {
  addVerb<WhereFlags>(
    cli,
    noun,
    {
      usage: 'unset <resource>',
      summary: 'let the config file, or the rate that holds everywhere, say it again',
      examples: ['rate unset cpu', 'rate unset gpu --pool a100 --from 2026-12-01'],
      changes: true,
      flags: withWhere,
    },
    async (run, [word], flags) => {
      const asked = { resource: resourceOfWord(String(word)), ...whereOf(flags) };
      await change(run, () => run.call(unsetRate, asked));
    },
  );
}

/** Does it, and says what held before. */
async function change(run: Run, act: () => Promise<RateView>): Promise<void> {
  const { currency, items } = await run.call(listRates, { all: true });
  const rate = await act();
  const said = sayRateChange(rate, items, currency, run.host.time.now());
  const would = rate.price_micro === null ? 'Would be unset:' : 'Would set';
  const sentence = run.isDryRun ? `${would} ${said}. Nothing was changed.` : `${said}.`;
  const listing = rateListing(run.format, currency);
  await print(run, { document: rate, rows: [rate], listing, sentences: [sentence] });
}
