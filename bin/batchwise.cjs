#!/usr/bin/env node
// Old Nodes read this file too: it keeps to the syntax of ES5, and tells them that they are too old.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    "batchwise: ERR_NODE_VERSION: Batchwise needs Node.js 20.19 or newer, found " +
      process.versions.node +
      "\n",
  );
  process.exit(2);
}
// `npm start` runs in the package's folder; paths, and the search for a configuration file, are meant from the caller's.
var npm = process.env;
if (npm.npm_lifecycle_event === "start" && npm.npm_package_name === "batchwise" && npm.INIT_CWD) {
  process.chdir(npm.INIT_CWD);
}
// Node 22.1 and later keep what V8 has compiled from one run to the next; on 20 this does nothing.
var enableCompileCache = require("node:module").enableCompileCache;
if (enableCompileCache) enableCompileCache();
require("../dist/bundle/cli.cjs");
