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
  try {
    process.chdir(npm.INIT_CWD);
  } catch (error) {
    process.stderr.write(
      "batchwise: ERR_WORKING_FOLDER: the working folder cannot be used: " +
        error.code +
        "; change to a folder that exists\n",
    );
    process.exit(2);
  }
}
// Node 22.1 and later keep what V8 has compiled from one run to the next. For Node 20 the build kept it.
var enableCompileCache = require("node:module").enableCompileCache;
if (enableCompileCache) enableCompileCache();
try {
  if (enableCompileCache || !runCompiled(require.resolve("../dist/bundle/cli.cjs")))
    require("../dist/bundle/cli.cjs");
} catch (error) {
  if (error.code !== "EMFILE" && error.code !== "ENFILE") throw error;
  process.stderr.write(
    "batchwise: ERR_OPEN_FILES: " +
      error.path +
      ": cannot be opened, because too many files are open; raise the limit (ulimit -n)\n",
  );
  process.exit(4);
}

/** Runs a CommonJS file by the code that V8 made of it. False if there is none of this very source, or V8 refuses it. */
function runCompiled(file) {
  var kept = file.concat(".v8");
  var fs = require("node:fs");
  var vm = require("node:vm");
  var Module = require("node:module");
  // Coverage is taken of code that V8 compiles itself.
  if (process.env.NODE_V8_COVERAGE || !fs.existsSync(kept)) return false;
  var source = fs.readFileSync(file);
  var compiled = fs.readFileSync(kept);
  if (!compiled.subarray(0, source.length).equals(source)) return false;
  var script = new vm.Script(Module.wrap(source.toString("utf8")), {
    filename: file,
    cachedData: compiled.subarray(source.length),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (script.cachedDataRejected) return false;
  var loaded = new Module(file, module);
  loaded.filename = file;
  require.cache[file] = loaded;
  script.runInThisContext().call(loaded.exports, loaded.exports, Module.createRequire(file), loaded, file);
  loaded.loaded = true;
  return true;
}
