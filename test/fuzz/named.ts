/**
 * `node dist/test/fuzz/named.js`: a table of the malformed files, what each is refused with, in what processor time and memory. With
 * `--worst`: the slowest and the costliest of each reader, bombs included.
 */
import { stdout } from "node:process";
import { parseArgs } from "node:util";
import { BOMBS } from "../helpers/bombs.js";
import { type NamedRow, namedFiles } from "../helpers/named-files.js";

const LONGEST_LINE = 140;
/** Endings of each reader's files; the first that fits counts. */
const READERS: readonly (readonly [reader: string, endings: readonly string[]])[] = [
  ["sets of images", [".set.npz", ".set.npy", ".set.csv", ".set.parquet", ".set.pkl", ".set.bin"]],
  ["CSV arrays", [".weights.csv"]],
  ["JSON arrays", [".weights.json"]],
  ["gzip", [".idx.gz", ".streamed.json"]],
  ["IDX", [".idx"]],
  ["NumPy (.npy)", [".npy"]],
  ["NumPy (.npz)", [".npz"]],
  ["pickle", [".pkl"]],
  ["PyTorch", [".pt", ".pth"]],
  ["Keras, HDF5", [".h5", ".keras"]],
  ["safetensors", [".safetensors"]],
  ["ONNX", [".onnx"]],
  ["PNG", [".png"]],
  ["JPEG", [".jpg"]],
  ["configuration", [".config.json"]],
  ["result", [".result.json"]],
  ["suite", [".checks.json"]],
  ["manifest", [".manifest.json"]],
  ["part", [".part.json"]],
  ["journal", [".journal"]],
  ["predictions", [".ndjson", ".csv"]],
  ["class names", [".names.txt"]],
];

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const cell = (text: string) => text.replaceAll("|", "\\|");

const { values } = parseArgs({ options: { worst: { type: "boolean", default: false } } });
const rows = await namedFiles();
if (values.worst) writeWorst(rows);
else writeAll(rows.filter(({ name }) => !Object.hasOwn(BOMBS, name)));

function writeAll(files: readonly NamedRow[]): void {
  stdout.write("| file | bytes | status | line | processor | more at the peak |\n");
  stdout.write("| --- | --: | --: | --- | --: | --: |\n");
  for (const { name, bytes, status, said, cpuMs, growthBytes } of files) {
    const line = said.length > LONGEST_LINE ? `${said.slice(0, LONGEST_LINE)}…` : said;
    const cost = `${cpuMs.toFixed(0)} ms | ${megabytes(growthBytes)}`;
    stdout.write(`| ${name} | ${bytes} | ${status} | ${cell(line)} | ${cost} |\n`);
  }
}

function writeWorst(files: readonly NamedRow[]): void {
  stdout.write(
    "| reader | files | most processor time | | most memory | |\n| --- | --: | --- | --: | --- | --: |\n",
  );
  for (const [reader] of READERS) {
    const group = files.filter(({ name }) => readerOf(name) === reader);
    const slowest = most(group, ({ cpuMs }) => cpuMs);
    const costliest = most(group, ({ growthBytes }) => growthBytes);
    if (slowest === undefined || costliest === undefined) continue;
    const time = `${slowest.name} | ${slowest.cpuMs.toFixed(0)} ms`;
    const memory = `${costliest.name} | ${megabytes(costliest.growthBytes)}`;
    stdout.write(`| ${reader} | ${group.length} | ${time} | ${memory} |\n`);
  }
}

function readerOf(name: string): string {
  const found = READERS.find(([, endings]) => endings.some((ending) => name.endsWith(ending)));
  if (found === undefined) throw new Error(`${name}: no reader is known for it`);
  return found[0];
}

function most(files: readonly NamedRow[], cost: (row: NamedRow) => number): NamedRow | undefined {
  return files.toSorted((a, b) => cost(b) - cost(a))[0];
}
