import { afterAll, expect, vi } from 'vitest';

// Files of tests share a process. One that changes it for the next fails here, and not there.

// A command sets another, as main does.
process.umask(0o022);
const before = traces();

afterAll(async () => {
  // A server that was closed is gone a moment later.
  await vi.waitFor(() => expect(traces()).toEqual(before), 10_000);
});

/** What a file could leave behind in its process. */
function traces() {
  const heard = process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const servers = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap');
  return {
    folder: process.cwd(),
    environment: { ...process.env },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    listeners: Object.fromEntries(heard) as Record<string, number>,
    servers: servers.length,
    isClockFaked: vi.isFakeTimers(),
  };
}
