"use strict";
// What the image's executable runs first. It evaluates the parts of initkit when they are needed, each with the code
// that V8 has compiled for it when the image was built (runtime.ts).
const { writeSync } = require("node:fs");
const { getRawAsset } = require("node:sea");
const { Script } = require("node:vm");

const loaded = new Map();
// One asset for all: Node reads the head of each when it starts, wherever that stands.
const parts = getRawAsset("parts");
const places = JSON.parse(Buffer.from(getRawAsset("places")).latin1Slice());

function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  evaluate(name)(module.exports, requirePart, module);
  return module.exports;
}

const requirePart = (name) => (name.startsWith("./") ? load(name.slice(2)) : require(name));

function evaluate(name) {
  const [at, length, codeLength] = places[name];
  const text = Buffer.from(parts, at, length).latin1Slice();
  const cachedData = codeLength > 0 ? Buffer.from(parts, at + length, codeLength) : undefined;
  const script = new Script(text, { filename: name, cachedData });
  if (script.cachedDataRejected) writeSync(2, `initkit: the compiled code of ${name} is not for this Node\n`);
  return script.runInThisContext();
}

// The script bin/initkit is the first argument.
process.argv.splice(1, 1);
load("main.js");
