import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/http/wire.ts';
import { operations } from '../../src/service/index.ts';
import { makeTenant } from '../helpers/tenant.ts';
import { startTestServer, type TestServer } from './helpers.ts';

const CHROMIUM = '/usr/bin/chromium';
/** As the page shows them: one for each path. */
const summaries = operations.flatMap((operation) =>
  pathsOf(operation).map(() => operation.summary),
);

const isMissing = !existsSync(CHROMIUM);
const MISSING = `The docs page needs a browser at ${CHROMIUM}: apt-get install chromium`;

/** The page is large, and a machine may have other things to do. */
const PATIENCE = { timeout: 20_000 };

if (isMissing) {
  it('a browser is there to look at the docs page', ({ skip }) => {
    if (process.env['CI'] !== undefined) throw new Error(MISSING);
    skip(MISSING);
  });
}

describe.runIf(!isMissing)('the docs page in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await startTestServer();
    await makeTenant(server.behind.call, 'acme');
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        ...['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
        ...['--disable-sync', '--no-first-run', '--disable-default-apps'],
      ],
    });
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  /** Opens the page and notes everything that it complains of and asks for. */
  async function open(path: string) {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const asked: URL[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => asked.push(new URL(request.url())));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    await page.goto(server.url + path);
    await expect.poll(() => page.locator('.opblock').count(), PATIENCE).toBe(summaries.length);
    await page.waitForLoadState('networkidle');
    return { page, complaints, asked };
  }

  it.each(['/api/docs', '/api/docs/'])(
    'shows every operation without complaint and without the network: %s',
    async (path) => {
      const { page, complaints, asked } = await open(path);
      expect(await page.title()).toBe('hodei API');
      const shown = await page.locator('.opblock-summary-description').allTextContents();
      expect(shown.sort()).toEqual([...summaries].sort());
      expect(complaints).toEqual([]);
      const elsewhere = asked.filter(
        ({ protocol, origin }) => protocol !== 'data:' && origin !== server.url,
      );
      expect(elsewhere.map(String)).toEqual([]);
      await page.close();
    },
  );

  it('tries operations out on this server', async () => {
    const { page, complaints } = await open('/api/docs');
    const block = page.locator('#operations-tenant-tenantSuspend');
    await block.locator('.opblock-summary').click();
    await block.locator('.try-out__btn').click();
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table');
    await expect.poll(() => answer.textContent(), PATIENCE).toContain('"status": "suspended"');
    expect((await server.ask('/api/v1/tenants/acme')).body).toMatchObject({ status: 'suspended' });
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(['quota-quotaSet', 'config-configApply', 'job-jobAdmit'])(
    'shows an operation in full: %s',
    async (id) => {
      const { page, complaints } = await open(`/api/docs#/${id.replace('-', '/')}`);
      const block = page.locator(`#operations-${id}`);
      await expect.poll(() => block.locator('.responses-table').count(), PATIENCE).toBe(1);
      expect(await block.getByText(/could not render|resolver error/i).count()).toBe(0);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );
});
