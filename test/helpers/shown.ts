import type { CliHome, RunOptions } from './cli.ts';

/** Ids and times, which differ from run to run, as `tenant-…` and `TIME`. */
function mask(text: string): string {
  return text
    .replace(/tenant-[0-9a-z]{12}/g, 'tenant-…')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME');
}

/** What a command line shows, stderr behind `! `, and the exit code where it is not 0. */
export async function shownBy(home: CliHome, line: string, options?: RunOptions): Promise<string> {
  // Words in double quotes are one.
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  );
  const { out, err, code } = await home.run(words, options);
  const parts = [out, err.replace(/^/gm, '! '), code === 0 ? '' : `exit ${code}`];
  return mask(parts.filter((part) => part !== '' && part !== '! ').join('\n'));
}
