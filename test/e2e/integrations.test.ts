import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './hodei.ts';

const page = readFileSync(new URL('../../docs/integrations.md', import.meta.url), 'utf8');

/** The first block of code of a language. */
function blockOf(language: string): string {
  const [, block = ''] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page) ?? [];
  return block;
}

let home: Home;
let folder: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  home = newHome();
  folder = mkdtempSync(join(tmpdir(), 'hodei-test-'));
  writeFileSync(join(folder, 'with_quota.py'), blockOf('python'));
  writeFileSync(join(folder, 'with_quota.sh'), blockOf('bash').replace('make test', '"$@"'));
  hodei('tenant create ci --email ci@acme.example --cpu 3 --memory 8Gi');
  server = spawn('hodei', ['serve', '--port', '0'], { env: home.env });
  const lines = createInterface({ input: server.stderr as NodeJS.ReadableStream });
  for await (const line of lines) {
    const found = /listening on (\S+)/.exec(line);
    if (found === null) continue;
    url = String(found[1]);
    break;
  }
});

afterAll(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true });
  home.remove();
});

function hodei(words: string): string {
  return spawnSync('hodei', words.split(' '), { env: home.env, encoding: 'utf8' }).stdout;
}

/** Runs one of the examples with a command of its own. */
function run(program: string, script: string, tag: string, ...command: string[]) {
  const { status, stdout } = spawnSync(program, [script, ...command], {
    cwd: folder,
    env: { ...home.env, HODEI: url, BUILD_TAG: tag, PAUSE: '0.1' },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout };
}

function stateOf(tag: string): string {
  return (JSON.parse(hodei(`job get ci:${tag} --json`)) as { state: string }).state;
}

describe.each([
  ['bash', 'with_quota.sh'],
  ['python3', 'with_quota.py'],
])('the example for %s', (program, script) => {
  it('runs the command while it holds quota, and releases it after', () => {
    const tag = `${program}-1`;
    const ask = `${process.execPath} ${new URL('../../bin/hodei.js', import.meta.url).pathname}`;
    const held = run(program, script, tag, 'sh', '-c', `${ask} job get ci:${tag} --json`);
    expect(held.status).toBe(0);
    expect(JSON.parse(held.stdout)).toMatchObject({ state: 'admitted', ttl_seconds: 3600 });
    expect(stateOf(tag)).toBe('released');
  });

  it("ends with the command's own code", () => {
    expect(run(program, script, `${program}-2`, 'sh', '-c', 'exit 7').status).toBe(7);
    expect(stateOf(`${program}-2`)).toBe('released');
  });

  it('does not run the command where it is refused, and says why', () => {
    hodei(`job admit --tenant ci --cpu 2 --memory 1Gi --id ${program}-other`);
    const refused = run(program, script, `${program}-3`, 'echo', 'ran');
    hodei(`job release ci:${program}-other`);
    expect(refused.status).toBe(1);
    expect(refused.stdout).not.toContain('ran');
    expect(hodei('job list -o name')).toBe('');
  });
});
