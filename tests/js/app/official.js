// The official packages, from the folder that SDK_FOLDER names: the same app runs on each version of them.
const { createRequire } = require("node:module");
const path = require("node:path");

const load = createRequire(path.join(path.resolve(process.env.SDK_FOLDER), "package.json"));

module.exports = {
  sdk: load("@trigger.dev/sdk"),
  express: load("express"),
  createMiddleware: load("@trigger.dev/express").createMiddleware,
  z: load("zod").z,
  version: load("@trigger.dev/sdk/package.json").version,
};
