import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FullDiskReport } from '../helpers/full-disk.ts';
import { bundleWorker, startProcess } from '../helpers/processes.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';

/** A disk of 6 MB that only the one process sees, and that goes when it does. */
const SMALL_DISK = 'mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" "$3" fillDisk "$1"';

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'x', '/mnt']).status === 0;

describe.skipIf(!canMount)('on a disk that is full', () => {
  const folder = newFolder();
  let report: FullDiskReport;

  beforeAll(async () => {
    const disk = newFolder();
    const worker = await bundleWorker(folder);
    const shell = ['sh', '-c', SMALL_DISK, 'sh', disk, process.execPath, worker];
    const process_ = startProcess('unshare', '-Urm', ...shell);
    const line = await process_.hear();
    const { stderr } = await process_.end();
    removeFolder(disk);
    if (line === undefined) throw new Error(stderr);
    report = JSON.parse(line) as FullDiskReport;
  }, 30_000);
  afterAll(() => removeFolder(folder));

  const refusedOf = (outcomes: FullDiskReport['filling']) =>
    outcomes.filter(({ answer }) => answer !== 'done');

  it('a statement that finds no room undoes its whole transaction, and every call of it says so', () => {
    expect(report.group).toHaveLength(20);
    const answers = new Set(report.group.map(({ answer }) => answer));
    expect([...answers]).toEqual(['unavailable: The disk is full. Nothing was done. Try again.']);
    expect(report.names.filter((name) => name.startsWith('group') || name === 'bloat')).toEqual([]);
  });

  it('calls are done until then, and refused from then on as not done', () => {
    const refused = refusedOf(report.filling);
    expect(report.filling.length - refused.length).toBeGreaterThan(100);
    expect(refused.length).toBeGreaterThanOrEqual(50);
    for (const { answer } of refused) {
      expect(answer).toMatch(/^unavailable: The disk is full. Nothing was done\./);
    }
  });

  it('what was acknowledged is there, and what was refused is not', () => {
    const done = report.filling.filter(({ answer }) => answer === 'done');
    expect(report.names).toEqual([...done.map(({ name }) => name), 'after']);
  });

  it('reading goes on', () => {
    expect(report.listed).toBeGreaterThan(100);
  });

  it('writing goes on once there is room', () => {
    expect(report.after).toEqual({ name: 'after', answer: 'done' });
  });

  it('the file stays sound and the chain unbroken', () => {
    expect(report.integrity).toBe('ok');
    expect(report.brokenAt).toBeUndefined();
  });
});
