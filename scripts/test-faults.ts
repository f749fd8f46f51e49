/** Injects every fault for real, kills fifty runs, and prints what each fault came to. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { markdownTable } from "#src/reports/markdown.js";

const KILLS = "50";
/** Beside test/faults, whatever of other tests injects faults too. */
const FILES = [
  "dist/test/faults/*.test.js",
  "dist/test/pool/local-pool.test.js",
  "dist/test/evaluate/journal/*.test.js",
];

interface Row {
  readonly fault: string;
  readonly status: number | string | null;
  readonly line: string;
  readonly kept: string;
}

const folder = mkdtempSync(join(tmpdir(), "batchwise-faults-"));
const table = join(folder, "table.ndjson");
try {
  const ava = fileURLToPath(new URL("node_modules/ava/entrypoints/cli.mjs", PACKAGE_ROOT));
  const { status } = spawnSync(process.execPath, [ava, ...FILES], {
    cwd: fileURLToPath(PACKAGE_ROOT),
    stdio: "inherit",
    env: { BATCHWISE_KILLS: KILLS, BATCHWISE_THOROUGH: "1", ...env, BATCHWISE_FAULT_TABLE: table },
  });
  stdout.write(tableText(rowsOf(table)));
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function rowsOf(path: string): Row[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines
    .map((line): Row => JSON.parse(line))
    .sort((a, b) => a.fault.localeCompare(b.fault, "en", { numeric: true }));
}

/** In Markdown. */
function tableText(rows: readonly Row[]): string {
  const columns = ["Fault", "Exit status", "What is said", "What is kept"];
  const cells = rows.map(({ fault, status, line, kept }) =>
    [fault, String(status), line, kept].map((cell) => cell.replaceAll("|", "\\|")),
  );
  return `\n${markdownTable(
    columns,
    cells,
    columns.map(() => "left"),
  )}`;
}
