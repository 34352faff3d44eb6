"use strict";
// What the image's executable runs first. It evaluates the parts of initkit when they are needed, each with the code
// that V8 has compiled for it when the image was built (runtime.ts).
const { writeSync } = require("node:fs");
const { getAssetKeys, getRawAsset } = require("node:sea");
const { Script } = require("node:vm");

const loaded = new Map();
const assets = new Set(getAssetKeys());

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
  const cachedData = assets.has(`${name}.code`) ? asset(`${name}.code`) : undefined;
  const script = new Script(asset(name).latin1Slice(), { filename: name, cachedData });
  if (script.cachedDataRejected) writeSync(2, `initkit: the compiled code of ${name} is not for this Node\n`);
  return script.runInThisContext();
}

const asset = (name) => Buffer.from(getRawAsset(name));

// The script bin/initkit is the first argument.
process.argv.splice(1, 1);
load("main.js");
