import type { ReadStream, WriteStream } from 'node:tty';

/** The alternate screen, without a cursor, on which a line that is too long does not wrap. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
/** In the opposite order, so that the last is what brings back what stood there before. */
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';
const ESCAPE = '\u001b';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The whole terminal, for a while. */
export interface Screen {
  size(): Size;
  /** Replaces all that is there; each line is shorter than the screen is wide. */
  show(lines: readonly string[]): void;
  /** Brings back what was there before; a second time does nothing. */
  close(): void;
}

/** What somebody at the terminal does. */
export interface ScreenEvents {
  /** A letter was typed. */
  key(letter: string): void;
  /** What is shown has to be shown anew. */
  redraw(): void;
  /** Nobody is there any longer. */
  gone(): void;
}

type Input = Pick<ReadStream, 'on' | 'off' | 'setRawMode' | 'resume' | 'pause' | 'isTTY'>;
type Output = Pick<WriteStream, 'on' | 'off' | 'write' | 'columns' | 'rows'>;

/** Takes the terminal over. Whatever ends the process gives it back. */
export function openScreen(input: Input, output: Output, events: ScreenEvents): Screen {
  let isOpen = false;
  const onData = (chunk: Buffer) => {
    const typed = chunk.toString();
    // A key such as an arrow is more than one character.
    if (typed.startsWith(ESCAPE)) return;
    for (const letter of typed) onLetter(letter);
  };
  const onLetter = (letter: string) => {
    if (letter === CTRL_C) process.kill(process.pid, 'SIGINT');
    else if (letter === CTRL_Z) suspend();
    else events.key(letter);
  };
  const suspend = () => {
    close();
    process.kill(process.pid, 'SIGTSTP');
    // Behind the stop; where nobody could continue it, there is none.
    setImmediate(() => {
      open();
      events.redraw();
    });
  };
  const open = () => {
    isOpen = true;
    output.write(ENTER);
    output.on('resize', events.redraw);
    process.on('exit', close);
    if (!input.isTTY) return;
    input.setRawMode(true);
    input.on('data', onData);
    input.on('end', events.gone);
    input.resume();
  };
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    output.off('resize', events.redraw);
    process.off('exit', close);
    if (input.isTTY) {
      input.off('data', onData);
      input.off('end', events.gone);
      input.setRawMode(false);
      input.pause();
    }
    output.write(LEAVE);
  };
  open();
  return {
    size: () => ({ columns: output.columns || 80, rows: output.rows || 24 }),
    show(lines) {
      if (!isOpen) return;
      const text = lines.map((line) => line + CLEAR_LINE).join('\r\n');
      // In one piece, and nothing is cleared before there is something in its place: so it does not flicker.
      output.write(HOME + text + CLEAR_BELOW);
    },
    close,
  };
}
