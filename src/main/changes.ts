import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** What is written within so long is told of once. */
const FIRST_MS = 20;
/** A commit shows a moment after its last write, when the disk has it: so often one looks again. */
const ECHOES = 6;
/** Where the file system does not tell, as on some network drives, somebody looks so often. */
const LOOK_MS = 2_000;

/**
 * Calls back when somebody, of whatever process, may have committed to a database file.
 * @returns how to stop that.
 */
export function watchChanges(path: string, tell: () => void): () => void {
  let echo = 0;
  let timer: NodeJS.Timeout | undefined;
  const tellLater = () => {
    timer = setTimeout(
      () => {
        timer = undefined;
        echo += 1;
        if (echo < ECHOES) tellLater();
        tell();
      },
      FIRST_MS * 2 ** echo,
    );
  };
  const watcher = watchFiles(path, () => {
    if (timer !== undefined && echo === 0) return;
    clearTimeout(timer);
    echo = 0;
    tellLater();
  });
  const look = setInterval(tell, LOOK_MS);
  return () => {
    watcher?.close();
    clearTimeout(timer);
    clearInterval(look);
  };
}

/** Watches the folder: SQLite makes and removes the files beside the database itself. */
function watchFiles(path: string, hear: () => void): FSWatcher | undefined {
  const name = basename(path);
  const names = [name, `${name}-wal`];
  try {
    const watcher = watch(dirname(path), (_event, file) => {
      if (file !== null && names.includes(file)) hear();
    });
    // From then on somebody looks from time to time.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    // So many watches as one user may have are taken, or it is no file system that could tell.
    return undefined;
  }
}
