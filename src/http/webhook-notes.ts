import type { Service } from '../service/call.ts';
import { system } from '../service/system.ts';
import { noteWebhookProgress, type WebhookAttempt } from '../service/webhook-progress.ts';
import type { Pace } from './webhook-pace.ts';

/** How far one webhook has come, and what the database knows of it. */
export interface Notes {
  /** Everything up to this event was taken, or is not for it. */
  sequence(): number;
  /** An event was taken; it is written within a second, with those that follow. */
  taken(sequence: number, tookMs: number): void;
  /** Nothing up to here is for it; written when much was passed, or with the next event. */
  passed(sequence: number): void;
  /** An event was not taken; written at once, since people look for it. */
  failed(
    sequence: number,
    tookMs: number,
    failure: NonNullable<WebhookAttempt['failure']>,
  ): Promise<void>;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
  /** The same for the last time. */
  close(): Promise<void>;
}

interface NotesOptions {
  readonly service: Service;
  readonly newTraceId: () => string;
  readonly pace: Pick<Pace, 'passed'>;
}

/** The event that was taken last, and when. */
interface Taken {
  readonly of: number;
  readonly tookMs: number;
  readonly at: number;
}

/** At the latest after so long it is written what was taken. */
const WRITTEN_MS = 1_000;
/** So much of what is not for it is passed without a word. */
const PASSED_UNSAID = 1_000;

export function createNotes(name: string, start: number, options: NotesOptions): Notes {
  const { service, newTraceId, pace } = options;
  let [sequence, written] = [start, start];
  let taken: Taken | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let isClosed = false;

  const write = async (attempt: WebhookAttempt | null) => {
    const upTo = sequence;
    const progress = { name, sequence: upTo, attempt };
    const known = await service(noteWebhookProgress, { progress }, system(newTraceId()));
    written = upTo;
    // Another server may have delivered more of them.
    sequence = Math.max(sequence, known);
  };
  const attemptOf = ({ of, tookMs, at }: Taken): WebhookAttempt => {
    return { of, tookMs, agoMs: Math.max(0, Math.round(pace.passed() - at)), failure: null };
  };
  const writeNew = async () => {
    clearTimeout(timer);
    timer = undefined;
    const noted = taken;
    if (noted === undefined && sequence - written < PASSED_UNSAID) return;
    taken = undefined;
    try {
      await write(noted === undefined ? null : attemptOf(noted));
    } catch {
      // Until it is written, it would be sent again after a restart, under the same id.
      taken ??= noted;
      writeLater();
    }
  };
  const writeLater = () => {
    if (!isClosed) timer ??= setTimeout(() => void flush(), WRITTEN_MS).unref();
  };
  const flush = () => (writing = writing.then(writeNew));

  return {
    sequence: () => sequence,
    taken(of, tookMs) {
      sequence = Math.max(sequence, of);
      taken = { of, tookMs, at: pace.passed() };
      writeLater();
    },
    passed(upTo) {
      sequence = Math.max(sequence, upTo);
      if (sequence - written >= PASSED_UNSAID) writeLater();
    },
    async failed(of, tookMs, failure) {
      await flush();
      await write({ of, tookMs, agoMs: 0, failure }).catch(() => undefined);
    },
    flush,
    close() {
      isClosed = true;
      return flush();
    },
  };
}
