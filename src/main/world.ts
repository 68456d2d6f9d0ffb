/** What the program is started with; tests hand in another one. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Where the example of a config file lies. */
  readonly packageFolder: string;
  /** What this process was started with: for the commands that it starts itself. */
  readonly umask: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** One id for everything that one command does. */
  readonly traceId: string;
  /** A line for people, beside the results. */
  say(line: string): void;
  /** Lines of the server's log. */
  log(lines: string): void;
  /** Called before something is changed: from then on the command is not left half done. */
  beginChange(): void;
}
