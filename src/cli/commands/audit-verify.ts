import type { Command } from 'commander';
import { HodeiError, invalid } from '../../domain/errors.ts';
import { compareWithFile, type Divergence } from '../../service/audit-comparison.ts';
import {
  isFault,
  readAuditFile,
  type AuditFile,
  type FileFault,
} from '../../service/audit-file.ts';
import { pieceOf, verifyAudit } from '../../service/audit.ts';
import { followChain, type Followed } from '../../service/event-chain.ts';
import type { ChainPlace } from '../../service/event-log.ts';
import {
  fileDocument,
  followedDocument,
  sayChain,
  sayDivergence,
  sayFault,
  sayFile,
  verificationListing,
} from '../audit-words.ts';
import { sayNumber } from '../chain-words.ts';
import { Exit, FOUND_SOMETHING } from '../exit-codes.ts';
import { note, print, type Run } from '../run.ts';
import { addVerb, type Cli } from '../verb.ts';

interface VerifyFlags {
  readonly file?: string;
  readonly alone?: boolean;
}

const EXIT_CODES = `
Keep the head that it prints, or an export, where nobody who can write the database can write: only
by comparing with it shows a history that was cut off, or written anew from some event on.
Ends with 9 where anything is found, else with 0.`;

export function addVerify(cli: Cli, noun: Command): void {
  addVerb<VerifyFlags>(
    cli,
    noun,
    {
      usage: 'verify',
      summary: 'follow the chain of events, and compare it with an export',
      examples: [
        'audit verify',
        'audit verify --file audit-2026-11.ndjson',
        'audit verify --file - --alone < audit-2026-11.ndjson',
      ],
      flags: (command) =>
        command
          .option('--file <export>', 'check an export too, and compare; - is the input')
          .option('--alone', 'only the export, without a database to compare it with')
          .addHelpText('after', EXIT_CODES),
    },
    async (run, _, { file, alone }) => {
      if (file !== undefined) return verifyFile(run, file, alone === true);
      if (alone === true) throw invalid('What alone?', 'Name an export: --file audit.ndjson');
      const followed = await follow(run);
      await printFound(run, { followed }, [sayChain(followed)]);
    },
  );
}

const PROGRESS_MS = 1_000;

/** Where somebody waits for it, it says from time to time how far it has come. */
async function follow(run: Run): Promise<Followed> {
  const { passed } = run.host.time;
  let said = passed();
  return followChain(
    async ({ sequence, hash }) => {
      const behind = sequence === 0 ? {} : { after: sequence, hash };
      return pieceOf(await run.call(verifyAudit, behind));
    },
    (last, head) => {
      if (!run.terminal.isErrTerminal || passed() - said < PROGRESS_MS) return;
      said = passed();
      note(run, `${sayNumber(last.sequence)} of ${sayNumber(head.sequence)} events`);
    },
  );
}

async function verifyFile(run: Run, file: string, isAlone: boolean): Promise<void> {
  const name = file === '-' ? 'The input' : file;
  const read = await readAuditFile(run.host.readLines(file), name);
  if (isFault(read)) {
    return printFound(run, { file: { name, read } }, [sayFault(name, read)]);
  }
  if (isAlone) {
    return printFound(run, { file: { name, read } }, [
      sayFile(name, read),
      'Nothing was compared: whether a database still has these events, this does not say.',
    ]);
  }
  const followed = await follow(run).catch((error: unknown) => {
    throw withoutDatabase(error, sayFile(name, read));
  });
  const divergence = await compareWithFile(probeOf(run), read);
  await printFound(run, { file: { name, read, divergence }, followed }, [
    sayFile(name, read),
    sayChain(followed),
    sayDivergence(read, divergence),
  ]);
}

/** That nothing could be compared shall not hide what the export itself is. */
function withoutDatabase(error: unknown, said: string): unknown {
  if (!(error instanceof HodeiError) || error.code !== 'unavailable') return error;
  const { code, message, hint = '', cause } = error;
  return new HodeiError(code, `${message}\n${said}`, {
    hint: `${hint}${hint === '' ? '' : ' '}Without a database to compare with: --alone`,
    cause,
  });
}

function probeOf(run: Run) {
  return async ({ sequence: after, hash }: ChainPlace): Promise<'same' | Divergence['why']> => {
    const { broken_at: brokenAt, why } = await run.call(verifyAudit, { after, hash, limit: 1 });
    if (brokenAt !== after) return 'same';
    return why === 'missing' ? 'missing' : 'other';
  };
}

interface Found {
  readonly followed?: Followed;
  readonly file?: {
    readonly name: string;
    readonly read: AuditFile | FileFault;
    readonly divergence?: Divergence | undefined;
  };
}

async function printFound(
  run: Run,
  { followed, file }: Found,
  sentences: readonly string[],
): Promise<void> {
  const isFaulty = file !== undefined && (isFault(file.read) || file.divergence !== undefined);
  const isBroken = followed?.broken !== undefined;
  const document = {
    sound: !isFaulty && !isBroken,
    ...(followed !== undefined && { database: followedDocument(followed) }),
    ...(file !== undefined && { file: fileDocument(file.name, file.read, file.divergence) }),
  };
  await print(run, { document, rows: [document], listing: verificationListing, sentences });
  if (!document.sound) throw new Exit(FOUND_SOMETHING);
}
