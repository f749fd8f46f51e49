/** Bundles what tsc has compiled into files that start fast: the command line's, and the worker's; and the report's page. */
import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { defineConfig } from "rolldown";
import { noticesOf, packageFolders } from "./dist/scripts/notices.js";

const PAGE = "page/";
/** In the order in which they are to be read: print last, since it takes back. */
const PAGE_STYLES = ["base", "matrix", "cards", "charts", "comparison", "print"];

/** Loaded from node_modules: piscina finds its worker beside itself; the others are rarely loaded at all. */
const EXTERNAL = ["piscina", "pino", "undici"];

const ML_MATRIX = JSON.parse(
  readFileSync(new URL("node_modules/ml-matrix/package.json", import.meta.url), "utf8"),
).version;

/** A build an entry, so that none loads a chunk only because another shares it. */
export default defineConfig([
  bundleOf("cli", "dist/src/cli/cli.js", { cleanDir: true }),
  bundleOf("worker", "dist/workers/evaluate.js"),
  pageOfReport(),
]);

/** One script and one style sheet, which the HTML report carries within itself. */
function pageOfReport() {
  return {
    input: { page: `${PAGE}main.ts` },
    platform: "browser",
    tsconfig: `${PAGE}tsconfig.json`,
    plugins: [styleSheet(), noticesInScript(), listModules("page")],
    output: { cleanDir: true, dir: "dist/report", format: "iife", entryFileNames: "[name].js", minify: true },
  };
}

/** Every report carries the script, and so the notices. */
function noticesInScript() {
  return {
    name: "notices-in-script",
    generateBundle(_, bundle) {
      const page = bundle["page.js"];
      // The comment ends, and the script in a report too, only where they should.
      const notices = noticesOf(packageFolders(page.moduleIds)).replaceAll(/[*<]\//g, "* /");
      page.code = `/*! Licences of what this script holds:\n\n${notices}*/\n${page.code}`;
    },
  };
}

function noticesFile(name) {
  return {
    name: "notices-file",
    generateBundle(_, bundle) {
      const ids = Object.values(bundle).flatMap((chunk) => chunk.moduleIds ?? []);
      const source = noticesOf(packageFolders(ids));
      this.emitFile({ type: "asset", fileName: `${name}-licences.txt`, source });
    },
  };
}

function styleSheet() {
  return {
    name: "style-sheet",
    generateBundle() {
      const source = PAGE_STYLES.map((name) => readFileSync(`${PAGE}${name}.css`, "utf8")).join("");
      this.emitFile({ type: "asset", fileName: "page.css", source });
    },
  };
}

function bundleOf(name, file, output = {}) {
  return {
    input: { [name]: file },
    platform: "node",
    external: EXTERNAL,
    plugins: [withoutSubprograms(), listModules(name), noticesFile(name)],
    transform: { define: { BUNDLED_ML_MATRIX: JSON.stringify(ML_MATRIX) } },
    output: {
      ...output,
      dir: "dist/bundle",
      // CommonJS starts faster than ES modules do. Dynamic imports remain, each as a chunk of its own.
      format: "cjs",
      entryFileNames: "[name].cjs",
      chunkFileNames: `${name}-[name].cjs`,
      exports: "named",
      // What an entry always needs is one file, whatever chunks use parts of it too.
      codeSplitting: { groups: [{ name: "start", tags: ["$initial"] }] },
      // Half the size is half the time to parse; names stay, for stack traces.
      minify: { compress: false, mangle: false, codegen: true },
    },
  };
}

/** Writes which modules each chunk holds, by their paths in the package: chunks are named by only one of theirs. */
function listModules(name) {
  return {
    name: "list-modules",
    writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter(({ type }) => type === "chunk");
      const modules = chunks.map(({ fileName, moduleIds }) => [
        fileName,
        moduleIds.map((id) => relative(import.meta.dirname, id).replaceAll("\\", "/")),
      ]);
      writeFileSync(`dist/${name}-modules.json`, JSON.stringify(Object.fromEntries(modules)));
    },
  };
}

/** commander loads node:child_process for commands that are programs of their own, which we have none of. */
function withoutSubprograms() {
  const NOTHING = "\0nothing";
  return {
    name: "without-subprograms",
    resolveId: (id, importer) =>
      id === "node:child_process" && importer?.includes("/node_modules/commander/") ? NOTHING : undefined,
    load: (id) => (id === NOTHING ? "export {}" : undefined),
  };
}
