import type { CommandEnd, Host, Signal, StartedCommand, Time } from '../../src/cli/host.ts';
import type { Operation } from '../../src/service/operation.ts';

/** A clock on which pauses take no time; what happens meanwhile is done at the end of each. */
export function fakeTime(meanwhile: (pauses: number) => unknown = () => undefined) {
  let passed = 0;
  const pauses: number[] = [];
  const time: Time = {
    now: Date.now,
    passed: () => passed,
    pause: async (milliseconds) => {
      passed += milliseconds;
      pauses.push(milliseconds);
      await meanwhile(pauses.length);
    },
  };
  return { time, pauses };
}

/** Signals that a test sends. */
export function fakeSignals() {
  const heard = new Set<(signal: Signal) => void>();
  const onSignals: Host['onSignals'] = (signals, hear) => {
    const listener = (signal: Signal) => (signals.includes(signal) ? hear(signal) : undefined);
    heard.add(listener);
    return () => void heard.delete(listener);
  };
  const send = (signal: Signal) => [...heard].forEach((hear) => hear(signal));
  return { onSignals, send, isHeard: () => heard.size > 0 };
}

/** A command that ends when the test says so. */
export function fakeCommand() {
  let end: (how: CommandEnd) => void = () => undefined;
  const got: string[] = [];
  const started: (readonly string[])[] = [];
  const startCommand = async (argv: readonly string[]): Promise<StartedCommand> => {
    started.push(argv);
    return {
      ended: new Promise((resolve) => (end = resolve)),
      pass: (signal) => void got.push(signal),
      end: () => {
        got.push('end');
        end({ exitCode: 143 });
      },
    };
  };
  return { startCommand, started, got, end: (exitCode: number) => end({ exitCode }) };
}

/** A place in which a test stands between the commands and the operations. */
export function disturbed(
  real: Host,
  disturb: (operation: Operation) => void,
  after: (operation: Operation) => void = () => undefined,
): Host['connect'] {
  return async (place, options) => {
    const session = await real.connect(place, options);
    return {
      ...session,
      call: async (operation, input, callOptions) => {
        const named = operation as unknown as Operation;
        disturb(named);
        try {
          return await session.call(operation, input, callOptions);
        } finally {
          after(named);
        }
      },
    };
  };
}
