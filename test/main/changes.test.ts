import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchChanges } from '../../src/main/changes.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function watched() {
  const folder = newFolder();
  const path = join(folder, 'hodei.db');
  writeFileSync(path, '');
  const told = { times: 0 };
  const end = watchChanges(path, () => (told.times += 1));
  onTestFinished(() => {
    end();
    removeFolder(folder);
  });
  return { folder, path, told, end };
}

it('tells of writes to the log of a database, together, and again until they are on the disk', async () => {
  const { path, told } = watched();
  for (let n = 0; n < 100; n++) appendFileSync(`${path}-wal`, 'frame');
  await pause(1_600);
  // Six looks at growing distances, not one for each write; a few more where the writes took long.
  expect(told.times).toBeGreaterThanOrEqual(5);
  expect(told.times).toBeLessThan(20);
});

it('tells of a log that was taken away and begun anew', async () => {
  const { folder, path, told } = watched();
  writeFileSync(`${path}-wal`, 'frame');
  await pause(1_600);
  renameSync(`${path}-wal`, join(folder, 'elsewhere'));
  told.times = 0;
  writeFileSync(`${path}-wal`, 'frame');
  await pause(200);
  expect(told.times).toBeGreaterThan(0);
});

it('does not care for other files, and looks all the same from time to time', async () => {
  const { folder, told, end } = watched();
  await pause(50);
  told.times = 0;
  writeFileSync(join(folder, 'other.db-wal'), 'frame');
  await pause(500);
  expect(told.times).toBe(0);
  await pause(2_000);
  expect(told.times).toBe(1);
  end();
  await pause(2_100);
  expect(told.times).toBe(1);
});
