import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { Exit, INTERRUPTED } from '../exit-codes.ts';
import type { LoggedIn, LoginOptions } from '../host.ts';
import type { Listing } from '../render.ts';
import { note, print, type Run } from '../run.ts';
import { shown } from '../terminal.ts';
import { sayIdentity } from '../token-words.ts';
import { asVerb, type Cli } from '../verb.ts';

/** Far more than any token has, and little to hold. */
const MAX_TOKEN_BYTES = 4_096;

export function register(cli: Cli, command: Command): void {
  asVerb<LoginOptions>(
    cli,
    command,
    {
      examples: [
        'login --server https://hodei.example',
        'login --server https://hodei.example --context prod --ca company-ca.pem < token',
        'login --server https://hodei.example --token-file /run/secrets/hodei',
      ],
      flags: (login) =>
        login
          .option('--ca <file>', 'the authority to trust there, as PEM')
          .option(
            '--token-file <file>',
            'where the token is; else HODEI_TOKEN, or it is asked for',
          ),
    },
    async (run, _, { ca, tokenFile }) => {
      const options = { ca, tokenFile };
      const done = await run.host.contexts.login(run.flags, options, (server) => ask(run, server));
      const { context, server, who, overriddenBy } = done;
      await print(run, {
        document: { context, server, ...who },
        rows: [done],
        listing,
        sentences: [`Logged in to ${server} as ${sayIdentity(who)}.`],
      });
      if (run.format !== 'table') return;
      note(
        run,
        `The context ${context} is current; back to the file here: hodei context use local`,
      );
      if (overriddenBy !== undefined) note(run, `${overriddenBy} is set, and comes first.`);
    },
  );
}

const listing: Listing<LoggedIn> = {
  name: ({ context }) => context,
  columns: [
    { header: 'CONTEXT', text: ({ context }) => context },
    { header: 'SERVER', text: ({ server }) => server },
    { header: 'PRINCIPAL', text: ({ who }) => who.principal },
    { header: 'ROLE', text: ({ who }) => who.role },
  ],
};

/** Where nobody is there to answer, the token comes in through the standard input. */
async function ask({ terminal, host }: Run, server: string): Promise<string> {
  if (!terminal.isInTerminal) return host.readText('-', MAX_TOKEN_BYTES);
  if (!terminal.isInteractive) {
    throw invalid('There is nobody to ask for a token.', 'Name a file: --token-file FILE');
  }
  const question = `Token for ${shown(server)} (not shown; none, if it wants none): `;
  const token = await terminal.askSecret(question);
  if (token === undefined) throw new Exit(INTERRUPTED);
  return token;
}
