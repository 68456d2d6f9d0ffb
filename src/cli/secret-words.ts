import { invalid } from '../domain/errors.ts';
import { containsToken } from '../domain/token.ts';

const SECRET_FLAG = /^--?(token|secret|password)(=|$)/i;

/**
 * What stands in a command line is read by every user of the machine and kept by the shell: there is
 * no flag for a secret, and one that was typed all the same is not repeated.
 * @throws invalid
 */
export function refuseSecrets(argv: readonly string[]): void {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  if (words.some(containsToken)) {
    throw invalid(
      'There is a token in the command line, where everybody on this machine can read it.',
      `If it is in use, revoke it: hodei token revoke NAME. ${ways}`,
    );
  }
  if (words.some((word) => SECRET_FLAG.test(word))) {
    throw invalid('No flag takes a token: others could read it in the command line.', ways);
  }
}

const ways = 'Set HODEI_TOKEN or HODEI_TOKEN_FILE, or keep it once with hodei login --server URL';
