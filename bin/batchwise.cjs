#!/usr/bin/env node
// Node 22.1 and later keep what V8 has compiled from one run to the next; on 20 this does nothing.
require("node:module").enableCompileCache?.();
require("../dist/bundle/cli.cjs");
