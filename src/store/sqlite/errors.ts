import Sqlite from 'better-sqlite3';
import type { HodeiError } from '../../domain/errors.ts';
import { conflict, databaseError, unavailable } from '../../domain/errors.ts';

const idIsTaken = () =>
  conflict('This id is taken: by chance two ids came out equal. Try once more.');

// SQLite names the columns of a broken unique index, not the index.
const constraintErrors: Readonly<Record<string, () => HodeiError>> = {
  'UNIQUE constraint failed: tenant.name': () => conflict('A tenant of this name exists already.'),
  'UNIQUE constraint failed: pool.name': () => conflict('A pool of this name exists already.'),
  'UNIQUE constraint failed: token.name': () => conflict('A token of this name exists already.'),
  'UNIQUE constraint failed: tenant.public_id': idIsTaken,
  'UNIQUE constraint failed: token.public_id': idIsTaken,
  'UNIQUE constraint failed: job.public_id': idIsTaken,
  'UNIQUE constraint failed: decision.public_id': idIsTaken,
};

/** What the user should hear of an error from SQLite; any other error is returned as it is. */
export function toHodeiError(error: unknown): unknown {
  const unloadable = unloadableBecause(error);
  if (unloadable !== undefined) return unloadable;
  if (!(error instanceof Sqlite.SqliteError)) return error;
  const known = constraintErrors[error.message];
  if (known !== undefined) return known();
  return byCode(error);
}

function unloadableBecause(cause: unknown): HodeiError | undefined {
  switch (systemCode(cause)) {
    case 'ERR_DLOPEN_FAILED':
      return unavailable("SQLite's native module does not load: it was built for another Node.", {
        hint: 'Build it anew: npm rebuild better-sqlite3',
        cause,
      });
    case 'MODULE_NOT_FOUND':
      return unavailable("SQLite's native module is not there: this hodei opens no file.", {
        hint: 'Name a server: hodei login --server URL. Or install it whole: npm ci',
        cause,
      });
    default:
      return undefined;
  }
}

/** What Node calls an error of the system: `EACCES`, `ENOENT`; `error` where it has no name. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}

export function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/** A write found no room. Of a commit the last frame was not written, so that it did not happen. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code === 'SQLITE_FULL';
}

function byCode(error: InstanceType<typeof Sqlite.SqliteError>): HodeiError {
  const [, family] = error.code.split('_');
  switch (family) {
    case 'BUSY':
    case 'LOCKED':
      return unavailable('The database is busy: another process has held it for too long.', {
        hint: 'Nothing was done. Try again.',
        cause: error,
      });
    case 'FULL':
      return unavailable('The disk is full.', {
        hint: 'Nothing was done. Make room, then try again.',
        cause: error,
      });
    case 'READONLY':
    case 'PERM':
    case 'CANTOPEN':
      return unavailable(`The database cannot be opened or written: ${error.message}.`, {
        hint: 'Check who owns the file and its folder: hodei doctor',
        cause: error,
      });
    case 'NOTADB':
    case 'CORRUPT':
      return databaseError(error.message, {
        hint: 'Stop writing to it and look at it with hodei doctor; then restore a backup.',
        cause: error,
      });
    default:
      return databaseError(error.message, { cause: error });
  }
}
