#!/usr/bin/env node
'use strict';

// The door: checks Node, loads the built program, hands over the arguments, keeps the exit code.
// Written in the JavaScript of 2009, so that an old Node can read it and say what is wrong.

var fs = require('fs');
var path = require('path');

var bundlePath = path.join(__dirname, '..', 'dist', 'hodei.cjs');

/** The bundle begins with a comment of this length: its fingerprint. */
var fingerprintLength = 42;
var headerLength = 128;

function isTooOld(version) {
  var numbers = version.split('.');
  var major = Number(numbers[0]);
  return major < 20 || (major === 20 && Number(numbers[1]) < 19);
}

/** How a cache of this bundle for this Node begins: V8 itself compares only the source's length. */
function cacheHeader(source) {
  var maker = [process.version, process.platform, process.arch].join(' ');
  return (source.slice(0, fingerprintLength) + ' ' + maker).padEnd(headerLength);
}

/**
 * The V8 code cache beside the bundle, or undefined. A damaged one would crash V8, so the file has
 * it twice, and the copies are compared: that takes 0.5 ms, and a checksum from Node's zlib or
 * crypto 2 to 4, for these have to be loaded.
 */
function readCache(header) {
  var file;
  try {
    file = fs.readFileSync(bundlePath + '.cache');
  } catch (_) {
    return undefined;
  }
  if (file.toString('latin1', 0, headerLength) !== header) return undefined;
  var middle = (file.length + headerLength) / 2;
  var cache = file.subarray(headerLength, middle);
  return cache.equals(file.subarray(middle)) ? cache : undefined;
}

/** Runs the bundle as a CommonJS module. A cache that does not fit costs 15 ms, and nothing else. */
function load() {
  // It is ASCII: to read it as anything else takes longer.
  var source = fs.readFileSync(bundlePath, 'latin1');
  var header = cacheHeader(source);
  var wrapped = '(function (exports, require, module, __filename, __dirname) {\n' + source + '\n})';
  var cache = readCache(header);
  var options = { filename: bundlePath, lineOffset: -1, cachedData: cache };
  var script = new (require('vm').Script)(wrapped, options);
  var program = { exports: {} };
  var run = script.runInThisContext();
  var requireFor = require('module').createRequire(bundlePath);
  run(program.exports, requireFor, program, bundlePath, path.dirname(bundlePath));
  return {
    main: program.exports.main,
    /** Whether V8 took the cache. */
    cached: cache !== undefined && script.cachedDataRejected === false,
    /** What the cache file should contain, by what has run so far. */
    createCache: function () {
      var data = script.createCachedData();
      return Buffer.concat([Buffer.from(header, 'latin1'), data, data]);
    },
  };
}

function refuse(message) {
  process.stderr.write('hodei: ' + message + '\n');
  process.exitCode = 7;
}

/** All control characters but the line feed: data in a message must not steer the terminal. */
var controls = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g;

function fail(error) {
  var stack = String((error && error.stack) || error).replace(controls, '?');
  process.stderr.write('hodei: internal error\n' + stack + '\n');
  process.exitCode = 1;
}

function start() {
  if (isTooOld(process.versions.node)) {
    refuse('this needs Node.js 20.19 or newer, and ' + process.execPath + ' is ' + process.version);
    return;
  }
  if (!fs.existsSync(bundlePath)) {
    refuse('the program is not built (' + bundlePath + ' is missing). Run: npm run build');
    return;
  }
  // Exit code 0 means "done", so it is given by an answer only, not by a promise that nobody settled.
  process.exitCode = 1;
  Promise.resolve(process.argv.slice(2))
    .then(function (argv) {
      return load().main(argv);
    })
    .then(function (exitCode) {
      process.exitCode = exitCode;
    })
    .catch(fail);
}

module.exports = { load: load };
if (require.main === module) start();
