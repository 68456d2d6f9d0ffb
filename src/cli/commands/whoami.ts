import type { Command } from 'commander';
import { whoami, type WhoamiView } from '../../service/tokens.ts';
import type { Listing } from '../render.ts';
import { print } from '../run.ts';
import { sayIdentity } from '../token-words.ts';
import { asVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, command: Command): void {
  asVerb(
    cli,
    command,
    { examples: ['whoami', 'whoami --server http://127.0.0.1:8080 --json'] },
    async (run) => {
      const who = await run.call(whoami, {});
      const { principal, role } = who;
      const said = (await run.isServer())
        ? sayIdentity(who)
        : `${principal} (${role}), by the file's permissions`;
      await print(run, { document: who, rows: [who], listing, sentences: [said] });
    },
  );
}

const listing: Listing<WhoamiView> = {
  name: ({ principal }) => principal,
  columns: [
    { header: 'PRINCIPAL', text: ({ principal }) => principal },
    { header: 'ROLE', text: ({ role }) => role },
    { header: 'BOUND TO', text: ({ tenant, tenant_id: id }) => tenant ?? id ?? '-' },
    { header: 'TOKEN', text: ({ token }) => token?.name ?? '-' },
    { header: 'EXPIRES', text: ({ token }) => token?.expires_at ?? '-' },
  ],
};
