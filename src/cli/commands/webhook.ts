import type { Command } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { listWebhooks, testWebhook, type WebhookView } from '../../service/webhooks.ts';
import { Exit, FOUND_SOMETHING, UNAVAILABLE } from '../exit-codes.ts';
import { stoppedCode, watchStop } from '../job-wait.ts';
import { pagesFrom, printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { note, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import {
  sayTest,
  testEndOf,
  webhookListing,
  type TestEnd,
  isBehindFailure,
} from '../webhook-words.ts';

export function register(cli: Cli, noun: Command): void {
  addList(cli, noun);
  addTest(cli, noun);
}

const NONE =
  'There are none: name some under observability.webhooks in the config file of hodei serve.';

function addList(cli: Cli, noun: Command): void {
  addVerb<PageFlags>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'list webhooks, what each is told of, and how it does',
      examples: ['webhook list', 'webhook list --json'],
      flags: (command) => withPageFlags(command, toWholeNumber),
    },
    async (run, _, flags) => {
      await printPages(
        run,
        flags,
        () => webhookListing(run.host.time.now()),
        (page) => run.call(listWebhooks, page),
        run.terminal.isOutTerminal ? NONE : undefined,
      );
    },
  );
}

/** So long is waited for the receiver, in seconds, where nothing is said. */
const USUAL_WAIT = 10;
const LOOK_MS = 100;

function addTest(cli: Cli, noun: Command): void {
  addVerb<{ wait?: number }>(
    cli,
    noun,
    {
      usage: 'test <webhook...>',
      summary: 'send webhooks an event by the way every event goes, and say what they answer',
      examples: ['webhook test pager', 'webhook test pager --wait 1m'],
      changes: true,
      flags: (command) =>
        command.option('--wait <time>', 'wait so long for the answer; else 10s', parseDuration),
    },
    async (run, [names], { wait = USUAL_WAIT }) => {
      const wanted = [...new Set(names as string[])];
      const before = await webhooksNow(run);
      const sent = await forEach(run, wanted, (webhook) => run.call(testWebhook, { webhook }));
      if (run.isDryRun) {
        for (const { webhook } of sent)
          note(run, `Would send a test to ${webhook}. Nothing was changed.`);
        return;
      }
      const tests = sent.map(({ webhook: name, sequence }) => ({ name, sequence }));
      await sayEnds(run, wanted.length === 1, await awaitEnds(run, tests, before, wait), wait);
    },
  );
}

interface Test {
  readonly name: string;
  readonly sequence: number;
}

interface Ended {
  readonly webhook: WebhookView;
  readonly end: TestEnd;
}

/** Looks until each has ended, the time is over or somebody says stop. */
async function awaitEnds(
  run: Run,
  tests: readonly Test[],
  before: ReadonlyMap<string, WebhookView>,
  waitSeconds: number,
): Promise<Ended[]> {
  const { time } = run.host;
  const { stop, isStopped, forget } = watchStop(run.host);
  const until = time.passed() + waitSeconds * 1000;
  try {
    for (;;) {
      const now = await webhooksNow(run);
      const ends = tests.flatMap(({ name, sequence }) => {
        const [webhook, earlier] = [now.get(name), before.get(name)];
        if (webhook === undefined || earlier === undefined) return [];
        return [{ webhook, end: testEndOf(webhook, sequence, earlier) }];
      });
      if (ends.every(({ end }) => end !== 'unknown') || time.passed() >= until) return ends;
      await time.pause(LOOK_MS, stop);
      if (isStopped()) throw new Exit(stoppedCode(stop));
    }
  } finally {
    forget();
  }
}

async function webhooksNow(run: Run): Promise<Map<string, WebhookView>> {
  const all = new Map<string, WebhookView>();
  for await (const { items } of pagesFrom({}, (page) => run.call(listWebhooks, page))) {
    for (const webhook of items) all.set(webhook.name, webhook);
  }
  return all;
}

/** A receiver that says no is what a check finds; that nobody has asked it is another matter. */
async function sayEnds(run: Run, isOne: boolean, ended: readonly Ended[], wait: number) {
  if (ended.length === 0) return;
  const now = run.host.time.now();
  const webhooks = ended.map(({ webhook }) => webhook);
  const isServer = await run.isServer();
  const isHeld = (webhook: WebhookView) => isBehindFailure(webhook, isServer, now);
  await print(run, {
    document: documentOf(isOne, webhooks),
    rows: webhooks,
    listing: webhookListing(now),
    sentences: ended.map(({ webhook, end }) => sayTest(webhook, end, wait, now, isHeld(webhook))),
  });
  const hasFailed = ended.some(
    ({ webhook, end }) => end === 'failed' || (end === 'unknown' && isHeld(webhook)),
  );
  if (run.exitCode() !== 0) return;
  if (hasFailed) throw new Exit(FOUND_SOMETHING);
  if (ended.some(({ end }) => end === 'unknown')) throw new Exit(UNAVAILABLE);
}
