import type { Signal } from '../cli/host.ts';

/** Waits so long, or until the signal is aborted. */
export function pause(milliseconds: number, until?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until?.aborted === true) return resolve();
    const end = () => {
      clearTimeout(timer);
      until?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    until?.addEventListener('abort', end);
  });
}

/** Calls back in place of what the signals do. @returns how to undo that. */
export function onSignals(signals: readonly Signal[], hear: (signal: Signal) => void): () => void {
  const listeners = signals.map((signal) => [signal, () => hear(signal)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
