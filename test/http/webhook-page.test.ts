import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { testService } from '../helpers/service.ts';
import { startServer } from '../../src/http/server.ts';
import { testWebhook } from '../../src/service/webhooks.ts';
import { onThisMachine } from '../helpers/server.ts';
import { quickPace, SECRET, startReceiver, targetAt, type Message } from './webhook-receiver.ts';

const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');

/** The example in a language, as it stands on the page. */
function example(language: string): string {
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';
}

let message: Message;

beforeAll(async () => {
  const behind = await testService();
  const receiver = await startReceiver();
  const server = await startServer({
    ...{ host: '127.0.0.1', port: 0, allowedHosts: [], corsOrigins: [], version: '1.2.3' },
    ...{ ...onThisMachine, logLevel: 'silent', log: { write: () => undefined } },
    ...{ service: behind.service, webhooks: [targetAt(receiver.url)], webhookPace: quickPace() },
    checkReady: async () => undefined,
    newTraceId: () => '0'.repeat(32),
  });
  await behind.call(testWebhook, { webhook: 'pager' });
  await fetch(`${server.url}/api/v1/webhooks/pager/test`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  });
  await receiver.untilTaken(1);
  [message] = receiver.taken as [Message];
  await server.close();
  await receiver.stop();
  await behind.close();
});

const node = `${example('js')}
const { headers, body, secret } = JSON.parse(process.argv[1]);
console.log(isFromHodei(headers, body, secret));`;
const python = `${example('python')}
import json, sys
given = json.loads(sys.argv[1])
print(is_from_hodei(given["headers"], given["body"].encode(), given["secret"]))`;

/** What the example says of a message. */
function verdict(language: string, change: object): string {
  const { headers, body } = message;
  const given = JSON.stringify({ headers, body, secret: SECRET, ...change });
  const [command, flag, code] =
    language === 'Node' ? [process.execPath, '-e', node] : ['python3', '-c', python];
  return execFileSync(command, [flag, code, given], { encoding: 'utf8' }).trim().toLowerCase();
}

describe.each(['Node', 'Python'])('the example for receivers in %s', (language) => {
  it('finds a message right, and another body, secret or time wrong', ({ skip }) => {
    if (language === 'Python' && !hasPython()) skip();
    const stale = { ...message.headers, 'webhook-timestamp': '1700000000' };
    expect([
      verdict(language, {}),
      verdict(language, { body: message.body.replace('pager', 'pages') }),
      verdict(language, { secret: `${SECRET}.` }),
      verdict(language, { headers: stale }),
    ]).toEqual(['true', 'false', 'false', 'false']);
  });
});

/** Where tests must not be skipped, it is there. */
function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version']);
    return true;
  } catch {
    if (process.env['CI'] !== undefined) throw new Error('there is no python3');
    return false;
  }
}
