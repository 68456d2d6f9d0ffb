import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sayState } from '../../src/cli/webhook-words.ts';
import { webhookExample } from '../../src/service/webhook-examples.ts';
import { newCliHome, type CliHome } from '../helpers/cli.ts';
import { onFile } from '../helpers/store.ts';
import { startTestServer } from '../http/helpers.ts';
import { patientPace, startReceiver, targetAt, type Behaviour } from '../http/webhook-receiver.ts';

let home: CliHome;

beforeEach(async () => {
  home = newCliHome();
  await home.run('tenant create acme --email ops@acme.example');
});
afterEach(() => home.remove());

/** As hodei serve writes it when it begins. */
function register(name: string): void {
  onFile(home.database, (connection) => {
    connection
      .prepare(
        `insert into webhook (name, url, kinds, sequence, failures, created_at)
         values (?, 'http://127.0.0.1:9/\u001b[2J', '["job"]', 99, 0, 0)`,
      )
      .run(name);
  });
}

/** A server with a webhook, and the flag that names it. */
async function withServer(behave?: Behaviour): Promise<string> {
  const receiver = await startReceiver(behave);
  const server = await startTestServer({
    ...{ webhooks: [targetAt(receiver.url, { kinds: ['job'] })], webhookPace: patientPace() },
  });
  onTestFinished(async () => {
    await server.stop();
    await receiver.stop();
  });
  return `--server ${server.url}`;
}

describe('webhook list', () => {
  it('says how to have one where there is none', async () => {
    const { err, code } = await home.run('webhook list', { isTerminal: true });
    expect([err.split('\n').at(-1), code]).toEqual([
      'There are none: name some under observability.webhooks in the config file of hodei serve.',
      0,
    ]);
  });

  it('says what each is told of and how it does, and nothing takes effect', async () => {
    register('pager');
    expect(await home.run('webhook list')).toEqual({
      out: 'pager\thttp://127.0.0.1:9/\\u{1b}[2J\tjob\tok, nothing sent yet',
      ...{ err: '', code: 0 },
    });
    expect((await home.run('webhook list -o name')).out).toBe('pager');
    const { out } = await home.run('webhook list --json');
    expect(JSON.parse(out)).toMatchObject({ items: [{ name: 'pager', state: 'ok', pending: 0 }] });
  });

  const now = Date.parse('2026-11-23T09:30:00Z');

  it.each([
    [{}, 'retrying: answered 500: upstream is down, next in 4 s, 12 waiting'],
    [{ next_attempt_at: null }, 'retrying: answered 500: upstream is down, next now, 12 waiting'],
    [{ state: 'waiting' as const, pending: 1_000 }, '1,000 or more waiting, last 18 min ago'],
    [{ state: 'ok' as const }, 'ok, last 18 min ago'],
    [{ state: 'ok' as const, delivered_at: null }, 'ok, nothing sent yet'],
  ])('says %j as people read it', (fields, words) => {
    expect(sayState({ ...webhookExample, ...fields }, now)).toBe(words);
  });
});

describe('webhook test', () => {
  it('says what the receiver took', async () => {
    const place = await withServer();
    const { out, err, code } = await home.run(`webhook test pager ${place}`);
    expect([out, err, code]).toEqual([expect.stringMatching(/^pager took it in \d+ ms\.$/), '', 0]);
    const { out: json } = await home.run(`webhook test pager --json ${place}`);
    expect(JSON.parse(json)).toMatchObject({ name: 'pager', state: 'ok', delivered_sequence: 3 });
  });

  it('says what the receiver answered in place of taking it, and ends with 9', async () => {
    const place = await withServer((_, response) => response.writeHead(500).end('no \u001b[2J'));
    const { out, code } = await home.run(`webhook test pager ${place}`);
    // The clock of this server stands still, and long ago.
    expect(out).toMatch(/^pager answered 500: no \\u\{1b\}\[2J\. It is tried again (now|in .*)\.$/);
    expect(code).toBe(9);
    // It is looked at once, and said how things are.
    const again = await home.run(`webhook test pager --wait 1s ${place}`);
    expect([again.out, again.code]).toEqual([
      expect.stringMatching(
        /^pager is tried again .*, since it answered 500: .* It stands behind 1 of its events\.$/,
      ),
      9,
    ]);
  });

  it('says that no server runs, and ends with 7', async () => {
    register('pager');
    expect(await home.run('webhook test pager --wait 1s')).toEqual({
      out: 'No server has delivered it to pager in 1 s: is hodei serve running?',
      ...{ err: '', code: 7 },
    });
  });

  it('is not misled by what failed when a server still ran', async () => {
    register('pager');
    onFile(home.database, (connection) => {
      connection
        .prepare(
          `update webhook set failures = 1, last_error = 'answered 500', next_attempt_at = 1`,
        )
        .run();
    });
    const { out, code } = await home.run('webhook test pager --wait 1s');
    expect([out, code]).toEqual([
      'No server has delivered it to pager in 1 s: is hodei serve running?',
      7,
    ]);
  });

  it('sends nothing in a dry run', async () => {
    register('pager');
    expect(await home.run('webhook test pager --dry-run')).toEqual({
      ...{ out: '', err: 'Would send a test to pager. Nothing was changed.', code: 0 },
    });
    expect((await home.run('audit list')).out).not.toContain('webhook.test');
  });

  it('suggests the nearest to a name that is unknown, and ends with 3', async () => {
    register('pager');
    expect(await home.run('webhook test pagr')).toEqual({
      ...{ out: '', err: 'hodei: Webhook not found: pagr\n       Did you mean pager?', code: 3 },
    });
  });

  it('ends when somebody does not want to wait', async () => {
    register('pager');
    const { code } = await home.run('webhook test pager', {
      host: () => ({
        onSignals: (_signals, hear) => {
          setImmediate(() => hear('SIGINT'));
          return () => undefined;
        },
      }),
    });
    expect(code).toBe(130);
    expect((await home.run('audit list')).out).toContain('webhook.test\twebhook pager');
  });
});
