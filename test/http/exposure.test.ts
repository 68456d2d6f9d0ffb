import { describe, expect, it } from 'vitest';
import { exposureRefusal, type Exposure } from '../../src/http/exposure.ts';
import { refusal } from '../helpers/refusal.ts';
import { startTestServer } from './helpers.ts';

const tls = { certificate: 'server.crt', key: 'server.key' };
const closed: Exposure = {
  host: '10.0.0.5',
  hasTokens: false,
  tls: undefined,
  trustedProxies: [],
  allowUnauthenticated: false,
};

const TOKENS = 'Make a token with hodei token create';
const PRIVACY = /Name a certificate and its key in security\.tls, or the proxy .*behind_proxy/;

describe('beyond this machine', () => {
  const flags = [false, true];
  const everything = ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::', '10.0.0.5', 'hodei.example']
    .flatMap((host) => flags.map((hasTokens) => ({ ...closed, host, hasTokens })))
    .flatMap((one) => [undefined, tls].map((files) => ({ ...one, tls: files })))
    .flatMap((one) => [[], ['10.0.0.1']].map((trustedProxies) => ({ ...one, trustedProxies })))
    .flatMap((one) => flags.map((allowUnauthenticated) => ({ ...one, allowUnauthenticated })));

  it('a server listens with tokens and TLS or a proxy, or because it is told to, and not else', () => {
    expect(everything).toHaveLength(112);
    for (const one of everything) {
      const isHere = ['127.0.0.1', '::1', 'localhost'].includes(one.host);
      const isPrivate = one.tls !== undefined || one.trustedProxies.length > 0;
      const may = isHere || one.allowUnauthenticated || (one.hasTokens && isPrivate);
      expect(exposureRefusal(one) === undefined, JSON.stringify(one)).toBe(may);
    }
  });

  it('says what is missing, and how to get it', () => {
    const nothing = exposureRefusal(closed);
    expect(nothing).toMatchObject({
      code: 'invalid',
      message: 'On 10.0.0.5 other machines could change everything: nobody is asked who they are.',
    });
    expect(nothing?.hint).toContain(TOKENS);
    expect(nothing?.hint).toMatch(PRIVACY);
    const noTokens = exposureRefusal({ ...closed, tls });
    expect(noTokens?.message).toContain('nobody is asked who they are');
    expect(noTokens?.hint).toContain(TOKENS);
    expect(noTokens?.hint).not.toMatch(PRIVACY);
    const noTls = exposureRefusal({ ...closed, hasTokens: true });
    expect(noTls?.message).toBe(
      'On 10.0.0.5 tokens would travel in the clear: there is neither TLS nor a proxy that has it.',
    );
    expect(noTls?.hint).not.toContain(TOKENS);
    expect(noTls?.hint).toMatch(PRIVACY);
    for (const one of [nothing, noTokens, noTls]) {
      expect(one?.hint).toMatch(/Or listen on 127\.0\.0\.1, or accept it with .*: true\.$/);
    }
  });

  it('is what the server itself looks at', async () => {
    const open = { host: '0.0.0.0', hasTokens: true };
    expect(await refusal(startTestServer(open))).toMatchObject({ code: 'invalid' });
    const server = await startTestServer({ ...open, trustedProxies: ['10.0.0.1'] });
    expect((await server.ask('/healthz')).status).toBe(200);
    await server.stop();
  });
});
