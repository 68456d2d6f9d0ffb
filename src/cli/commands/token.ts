import { Option, type Command } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { invalid } from '../../domain/errors.ts';
import { roles, type Role } from '../../domain/role.ts';
import { createToken, listTokens, revokeToken } from '../../service/tokens.ts';
import { printPages, withPageFlags, type PageFlags } from '../pages.ts';
import { confirmed, note, print, type Run } from '../run.ts';
import { documentOf, forEach } from '../selection.ts';
import { createdListing, sayAbility, sayToken, tokenListing } from '../token-words.ts';
import { addVerb, toWholeNumber, type Cli } from '../verb.ts';
import { sayList } from '../words.ts';

export function register(cli: Cli, noun: Command): void {
  addCreate(cli, noun);
  addList(cli, noun);
  addRevoke(cli, noun);
}

interface CreateFlags {
  readonly name?: string;
  readonly role?: Role;
  readonly owner?: string;
  readonly tenant?: string;
  readonly expires?: number;
}

function addCreate(cli: Cli, noun: Command): void {
  addVerb<CreateFlags>(
    cli,
    noun,
    {
      usage: 'create [name]',
      summary: 'create a token and print its secret, this once; -o name prints nothing else',
      examples: [
        'token create --name ci-runner --role agent --tenant acme --expires 90d',
        'token create grafana --role viewer -o name > grafana.token',
      ],
      changes: true,
      flags: (command) =>
        command
          .option('--name <name>', 'how it is named, if not in front')
          .addOption(new Option('--role <role>', 'what it is there for').choices(roles))
          .option('--tenant <tenant>', 'it sees this tenant and those below it, and nothing else')
          .option('--owner <principal>', 'who acts with it, for the audit; else its name')
          .option('--expires <time>', 'it ends so long from now: 12h, 90d', parseDuration),
    },
    async (run, [positional], flags) => {
      const name = nameOf(positional as string | undefined, flags.name);
      const { role, owner, tenant, expires } = flags;
      if (role === undefined) {
        throw invalid('What is it there for?', `Say --role, one of: ${roles.join(', ')}`);
      }
      const created = await run.call(createToken, {
        ...{ name, role },
        ...(owner !== undefined && { owner }),
        ...(tenant !== undefined && { tenant }),
        ...(expires !== undefined && { ttl_seconds: expires }),
      });
      const { id, secret } = created;
      const sentence = secret ?? `Would create ${name}: ${sayToken(created)}. Nothing was changed.`;
      if (run.format === 'table' && secret !== null) {
        note(run, `Created token ${name} (${id}): ${sayToken(created)}.`);
        note(run, sayAbility(created));
        note(run, 'This is the only time its secret is shown:');
      }
      const answer = { document: created, rows: [created], listing: createdListing };
      await print(run, { ...answer, sentences: [sentence] });
      if (secret !== null) await noteFirst(run);
    },
  );
}

/** In front, as with other nouns, or behind its flag. */
function nameOf(positional: string | undefined, flag: string | undefined): string {
  const name = positional ?? flag;
  if (name === undefined) throw invalid('A token needs a name.', 'hodei token create --name …');
  if (flag === undefined || flag === name) return name;
  throw invalid(`Is it ${name} or ${flag}?`, 'Name it once.');
}

/** With the first token, servers begin to ask: who has none shall not be surprised. */
async function noteFirst(run: Run): Promise<void> {
  if (run.format !== 'table') return;
  const living = await run.call(listTokens, { limit: 2 });
  const gone = await run.call(listTokens, { limit: 1, revoked: true });
  if (living.items.length + gone.items.length > 1) return;
  note(run, 'It is the first one: from now on, servers want a token of everybody.');
}

function addList(cli: Cli, noun: Command): void {
  addVerb<PageFlags & { revoked?: boolean }>(
    cli,
    noun,
    {
      usage: 'list',
      summary: 'list tokens, what they are for and when they were used; their secrets are nowhere',
      examples: ['token list', 'token list --revoked --json'],
      flags: (command) =>
        withPageFlags(
          command.option('--revoked', 'those that are revoked, in place of others'),
          toWholeNumber,
        ),
    },
    async (run, _, flags) => {
      const revoked = flags.revoked === true;
      const nothing = revoked ? 'None is revoked.' : 'There are no tokens: servers ask for none.';
      await printPages(
        run,
        flags,
        () => tokenListing,
        (page) => run.call(listTokens, { ...page, revoked }),
        run.terminal.isOutTerminal ? nothing : undefined,
      );
    },
  );
}

function addRevoke(cli: Cli, noun: Command): void {
  addVerb(
    cli,
    noun,
    {
      usage: 'revoke <token...>',
      summary: 'revoke tokens: within a second no server takes them any more',
      examples: ['token revoke ci-runner', 'token revoke ci-runner --yes --reason "was in a log"'],
      changes: true,
      asks: true,
    },
    async (run, [names]) => {
      const wanted = [...new Set(names as string[])];
      if (!(await confirmed(run, `Revoke ${sayList(wanted)}?`))) return;
      const revoked = await forEach(run, wanted, (token) => run.call(revokeToken, { token }));
      if (revoked.length === 0) return;
      const sentences = revoked.map(({ name }) =>
        run.isDryRun ? `Would revoke ${name}. Nothing was changed.` : `Revoked ${name}.`,
      );
      const document = documentOf(wanted.length === 1, revoked);
      await print(run, { document, rows: revoked, listing: tokenListing, sentences });
    },
  );
}
