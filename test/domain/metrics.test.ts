import { expect, it } from 'vitest';
import { metricsText } from '../../src/domain/metrics.ts';

it('writes help, type and a line for each sample', () => {
  const samples = [
    { name: 'wait_seconds', labels: { pool: 'gpu', state: 'held' }, value: 1.5 },
    { name: 'wait_seconds', labels: {}, value: 0 },
  ];
  const text = metricsText([{ name: 'wait_seconds', help: 'Waiting.', type: 'gauge', samples }]);
  expect(text).toBe(
    '# HELP wait_seconds Waiting.\n# TYPE wait_seconds gauge\n' +
      'wait_seconds{pool="gpu",state="held"} 1.5\nwait_seconds 0\n',
  );
});

it('leaves out what there is no sample of', () => {
  expect(metricsText([{ name: 'a', help: 'b', type: 'gauge', samples: [] }])).toBe('');
});

it('escapes what would end a label or a line', () => {
  const samples = [{ name: 'a', labels: { b: 'c"\\\nd' }, value: 1 }];
  const text = metricsText([{ name: 'a', help: 'x\\\ny"', type: 'gauge', samples }]);
  expect(text).toBe('# HELP a x\\\\\\ny"\n# TYPE a gauge\na{b="c\\"\\\\\\nd"} 1\n');
});
