import type { Command } from 'commander';
import { invalid } from '../../domain/errors.ts';
import { Exit, INTERRUPTED } from '../exit-codes.ts';
import type { ServeOptions } from '../host.ts';
import { shown } from '../terminal.ts';
import { asVerb, type Cli } from '../verb.ts';

export function register(cli: Cli, command: Command): void {
  asVerb<ServeOptions>(
    cli,
    command,
    {
      examples: ['serve', 'serve --port 0 --db ./hodei.db'],
      flags: (serve) =>
        serve
          .option('--host <address>', 'where to listen, in place of server.host')
          .option('--port <number>', 'in place of server.port; 0 takes any that is free', toPort),
    },
    async (run, _, { host, port }) => {
      const { err, errColour, isErrTerminal } = run.terminal;
      const sayWhere = (url: string, place: string) => {
        if (isErrTerminal) err(errColour.dim(`on ${shown(place)}`));
        err(`listening on ${shown(url)}`);
      };
      const signal = await run.host.serve(run.flags, { host, port }, sayWhere);
      if (signal === 'SIGINT') throw new Exit(INTERRUPTED);
    },
  );
}

function toPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw invalid(`A port is a whole number from 0 to 65535: "${text}"`);
}
