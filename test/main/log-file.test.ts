import { closeSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { readlinkSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../src/config/config.ts';
import { openLog, type LogTarget } from '../../src/main/log-file.ts';
import { newFolder, removeFolder } from '../helpers/store.ts';

let folder: string;
let said: string[];
let logged: string[];
beforeEach(() => {
  folder = newFolder();
  said = [];
  logged = [];
});
afterEach(() => removeFolder(folder));

const at = (name: string) => join(folder, name);

function open(logFile: string | undefined): LogTarget {
  const config = { ...defaultConfig(), path: at('config.yaml'), logFile };
  const world = {
    say: (line: string) => void said.push(line),
    log: (line: string) => void logged.push(line),
  };
  return openLog({ config, path: at('hodei.db') }, world);
}

const inFile = (name = 'hodei.log') => readFileSync(at(name), 'utf8');

/** What the operating system calls an open file. */
function descriptorOf(path: string): number {
  const found = readdirSync('/proc/self/fd').find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
  return Number(found);
}

describe('the log', () => {
  it('goes to standard output where no file is named, also after a SIGHUP', () => {
    const log = open(undefined);
    log.write('one\n');
    log.reopen();
    log.write('two\n');
    expect([logged, said]).toEqual([['one\n', 'two\n'], []]);
  });

  it('goes on at the end of the file, and makes one for nobody else to read', () => {
    open(at('hodei.log')).write('one\n');
    open(at('hodei.log')).write('two\n');
    expect([inFile(), logged]).toEqual(['one\ntwo\n', []]);
    expect(statSync(at('hodei.log')).mode & 0o777).toBe(0o600);
  });

  it('goes on in a new file when the old one was moved away', () => {
    const log = open(at('hodei.log'));
    log.write('one\n');
    renameSync(at('hodei.log'), at('hodei.log.1'));
    log.write('two\n');
    log.reopen();
    log.write('three\n');
    expect([inFile('hodei.log.1'), inFile()]).toEqual(['one\ntwo\n', 'three\n']);
    expect(said).toEqual([`The log goes on in the file that is now ${at('hodei.log')}.`]);
    expect(descriptorOf(at('hodei.log.1'))).toBeNaN();
  });

  it('stays in the old file when there can be no new one, and is opened anew later', () => {
    const log = open(at('hodei.log'));
    renameSync(at('hodei.log'), at('hodei.log.1'));
    mkdirSync(at('hodei.log'));
    log.reopen((message) => log.write(`${message}\n`));
    expect(said).toEqual([
      'The log stays in the file that it was in. ' +
        `The log file ${at('hodei.log')} cannot be opened: illegal operation on a directory.`,
    ]);
    expect(inFile('hodei.log.1')).toBe(`${said[0]}\n`);
    renameSync(at('hodei.log'), at('away'));
    log.reopen();
    log.write('one\n');
    expect(inFile()).toBe('one\n');
  });

  it('that cannot be written says so once, and is whole again with a new file', () => {
    const log = open(at('hodei.log'));
    const descriptor = descriptorOf(at('hodei.log'));
    closeSync(descriptor);
    // The lowest number that is free, so that the log now writes to a disk that is full.
    expect(openSync('/dev/full', 'w')).toBe(descriptor);
    log.write('one\n');
    log.write('two\n');
    expect(said).toEqual([
      `The log in ${at('hodei.log')} has lost lines: no space left on device.`,
    ]);
    log.reopen();
    log.write('three\n');
    expect(inFile()).toBe('three\n');
  });
});

describe('a log file is refused', () => {
  it.each([
    ['none/hodei.log', 'no such file or directory'],
    ['.', 'illegal operation on a directory'],
    ['config.yaml/hodei.log', 'not a directory'],
  ])('that cannot be opened: %s', (name, why) => {
    writeFileSync(at('config.yaml'), '');
    expect(() => open(at(name))).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: `The log file ${at(name)} cannot be opened: ${why}.`,
        hint: 'It is observability.logging.file, seen from the folder of the config file.',
      }),
    );
  });

  it('that is a device', () => {
    expect(() => open('/dev/full')).toThrow('/dev/full cannot be opened: it is no file.');
  });

  it.each(['hodei.db', 'hodei.db-wal', 'hodei.db-shm', 'config.yaml', 'none/../hodei.db'])(
    'that is another of hodei: %s',
    (name) => {
      expect(() => open(`${folder}/${name}`)).toThrow('which is another file of hodei');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it.each([
    ['a symbolic link', symlinkSync],
    ['a hard link', linkSync],
  ])('that leads into another of hodei by %s', (_, link) => {
    writeFileSync(at('hodei.db'), 'data');
    link(at('hodei.db'), at('hodei.log'));
    expect(() => open(at('hodei.log'))).toThrow('which is another file of hodei');
  });

  it('that leads into another of hodei when it is to be opened anew', () => {
    writeFileSync(at('hodei.db'), 'data');
    const log = open(at('hodei.log'));
    renameSync(at('hodei.log'), at('hodei.log.1'));
    symlinkSync(at('hodei.db'), at('hodei.log'));
    log.reopen((message) => log.write(`${message}\n`));
    expect(said[0]).toContain('which is another file of hodei');
    expect(inFile('hodei.db')).toBe('data');
    expect(inFile('hodei.log.1')).toBe(`${said[0]}\n`);
  });
});
