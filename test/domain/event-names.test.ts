import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jobEvents } from '../../src/domain/job.ts';
import { eventNames } from '../../src/domain/event-names.ts';

const source = join(import.meta.dirname, '../../src');

/** Every text in the source that could be such a name, but for the list itself. */
function namesInSource(): Set<string> {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((file) => file.endsWith('.ts') && !/event-names|examples/.test(file))
    .map((file) => readFileSync(join(source, file), 'utf8'));
  return new Set(texts.flatMap((text) => text.match(/(?<=')[a-z]+\.[a-z]+(?=')/g) ?? []));
}

// That nothing is recorded under another name is what the type of a change says.
it('the list of recorded changes has none that is never recorded', () => {
  const ofJobs = jobEvents.map((event) => `job.${event}`);
  const known = new Set([...namesInSource(), ...ofJobs, 'pool.hold', 'pool.resume']);
  expect(eventNames.filter((name) => !known.has(name))).toEqual([]);
});
