/** Rejects an output that is also an input or another output, before any work: it would destroy what is there. */

import { type BigIntStats, fstatSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { platform } from "node:process";
import type { Command } from "commander";
import { UsageError } from "#src/base/errors.js";
import { type CommandName, type OptionRow, PATH_KINDS } from "#src/base/options/define.js";
import { rowsOf } from "#src/base/options/table.js";
import { COMMANDS } from "#src/cli/commands/options.js";
import { labelsBeside } from "#src/data/labels.js";
import { CATALOG, cacheFolder, folderOf } from "#src/files/catalog.js";
import { readFileStart, readWholeFile } from "#src/files/read-file.js";
import { targetOf } from "#src/files/write-file.js";
import { looksLikeTfjs } from "#src/networks/format.js";

/** A file as the user named it. */
export interface NamedFile {
  /** Where it was named: `--output`, or the argument `<in>`. */
  readonly option: string;
  readonly path: string;
}

/** Arguments that are no paths. */
const WORDS: ReadonlySet<string> = new Set(["<index>", "<name>", "[action]", "[id]", "<shell>"]);

/** Checks the files that the command line and the configuration name. @throws UsageError ERR_OUTPUT_SHARED */
export async function assertDistinctOf(
  name: CommandName,
  command: Command,
  configPath: string | undefined,
): Promise<void> {
  const outputs: NamedFile[] = [];
  const inputs: NamedFile[] = configPath === undefined ? [] : [{ option: "--config", path: configPath }];
  for (const [key, row] of Object.entries<OptionRow>(rowsOf(name))) {
    const files = filesOf(row.flag ?? key, PATH_KINDS.has(row.type.kind) ? command.opts()[key] : undefined);
    (row.writes ? outputs : inputs).push(...files);
  }
  const words = (COMMANDS[name].arguments ?? []).map(([word]) => word);
  for (const [n, value] of command.processedArgs.entries()) {
    const option = words[n];
    if (option === undefined || WORDS.has(option)) continue;
    (option === "<out>" ? outputs : inputs).push(...filesOf(option, value));
  }
  if (outputs.length > 0) await assertDistinct(outputs, inputs);
}

function filesOf(option: string, value: unknown): NamedFile[] {
  const paths: unknown[] = Array.isArray(value) ? value : [value];
  return paths.flatMap((path) => (typeof path === "string" ? [{ option, path }] : []));
}

/** @throws UsageError ERR_OUTPUT_SHARED if an output is an input, another output, or where stdout or stderr goes */
export async function assertDistinct(
  outputs: readonly NamedFile[],
  inputs: readonly NamedFile[],
): Promise<void> {
  const others = new Map<string, NamedFile>();
  const written = outputs.flatMap((file) =>
    file.option === "--predictions" ? [file, { ...file, path: `${file.path}.partial` }] : [file],
  );
  const streams = [1, 2].flatMap((descriptor) => streamOf(descriptor));
  for (const [identity, file] of streams) others.set(identity, file);
  const isReplacing = (await Promise.all(written.map(({ path }) => isFile(path)))).includes(true);
  const limits = isReplacing ? WHOLE : BEGINNING;
  const behind = inputs.map(async (input) => [
    ...(await filesBehind(input, limits)),
    ...(isReplacing && input.option === "--dataset" ? await picturesAmong(written, input.path) : []),
  ]);
  const paths = [...inputs, ...(await Promise.all(behind)).flat()];
  for (const file of paths) {
    const identity = await identityOf(file.path);
    if (identity !== undefined) others.set(identity, file);
  }
  for (const file of written) {
    const identity = await identityOf(file.path);
    if (identity === undefined) continue;
    const other = others.get(identity);
    if (other !== undefined) {
      throw new UsageError("ERR_OUTPUT_SHARED", { ...file, other: other.option, otherPath: other.path });
    }
    others.set(identity, file);
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

function streamOf(descriptor: number): [string, NamedFile][] {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    const option = descriptor === 1 ? "stdout" : "stderr";
    return stats.isFile() ? [[inodeOf(stats), { option, path: option }]] : [];
  } catch {
    // A closed descriptor is no file.
    return [];
  }
}

function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/**
 * Text that is equal for two paths of one file: its device and inode, or those of its folder and its name if it does not
 * exist yet. Undefined for a pipe or a device, which may be written several times, and for a path that leads nowhere.
 */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const target = await targetOf(path);
    if (target.isStream) return undefined;
    if (target.stats !== undefined) return inodeOf(await stat(target.path, { bigint: true }));
    const folder = dirname(target.path);
    const name = basename(target.path);
    const folds = await foldsCase(folder);
    return `${inodeOf(await stat(folder, { bigint: true }))}/${folds ? name.normalize("NFC").toLowerCase() : name}`;
  } catch {
    return undefined;
  }
}

/** Returns whether names in the folder differ by more than case. An entry shows it; in an empty folder, the system's custom. */
async function foldsCase(folder: string): Promise<boolean> {
  const entry = (await readdir(folder)).find((name) => swapCase(name) !== name);
  if (entry === undefined) return platform === "darwin" || platform === "win32";
  const other = await stat(join(folder, swapCase(entry)), { bigint: true }).catch(() => undefined);
  return other !== undefined && inodeOf(other) === inodeOf(await stat(join(folder, entry), { bigint: true }));
}

function swapCase(name: string): string {
  return name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
}

/** How much is searched for paths: the length of a model, and the number of paths. */
interface SearchLimits {
  readonly modelBytes: number;
  readonly paths: number;
}
/** Limits of a run whose outputs replace no file, so that no content can be lost yet. */
const BEGINNING: SearchLimits = { modelBytes: 8 * 2 ** 20, paths: 10_000 };
/** As much as the readers of models take, and more texts than those of manifests, suites and results. */
const WHOLE: SearchLimits = { modelBytes: 2 ** 31 - 1, paths: 2 ** 22 };
const LONGEST_PATH = 4096;
/** Names of data and arrays: other files in a folder of data are outputs of earlier runs. */
const DATA_NAME = /idx\d|ubyte|\.(?:gz|npy|npz|bin|parquet)$/i;
const PICTURE_NAME = /\.(?:png|jpe?g)$/i;
/** Arguments and options whose JSON lists further inputs. */
const LISTS: ReadonlySet<string> = new Set(["--dataset", "<suite>", "<a>", "<b>"]);
/** Arguments and options that can name a model of ONNX or TensorFlow.js, whose data may lie in files beside it. */
const MODELS: ReadonlySet<string> = new Set(["--weights", "<in>", "<a>", "<b>"]);
/** Bytes in which JSON must begin. */
const START_BYTES = 256;
const JSON_START = /^\s*[[{]/;

/**
 * Files that an input leads to: those in a folder, below a pattern or of a named set, the labels beside an image file, and
 * those that a manifest, suite, result or model lists.
 */
async function filesBehind({ option, path }: NamedFile, limits: SearchLimits): Promise<NamedFile[]> {
  const within = (names: readonly string[], folder: string) =>
    names.slice(0, limits.paths).map((name) => ({ option, path: resolve(folder, name) }));
  try {
    const entry = CATALOG.get(path);
    if (entry !== undefined) {
      const folder = join(cacheFolder(), folderOf(entry));
      const unpacked = entry.isArchive ? await dataIn(folder).catch(() => []) : [];
      return within([...entry.files.map(({ name }) => name), ...unpacked], folder);
    }
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory()) {
      const model = MODELS.has(option)
        ? await (await import("#src/networks/folder.js")).networkIn(path)
        : path;
      const more =
        model === path
          ? []
          : [{ option, path: model }, ...(await filesBehind({ option, path: model }, limits))];
      return [...within(await dataIn(path), path), ...more];
    }
    if (stats === undefined && option === "--dataset" && /[*?[\]{}()!]/.test(path)) {
      const { filesByPattern } = await import("#src/data/stream/find-pairs.js");
      const images = (await filesByPattern(path)).slice(0, limits.paths);
      // Labels lie beside their images.
      const folders = [...new Set(images.map(dirname))];
      const labels = await Promise.all(folders.map(async (folder) => within(await dataIn(folder), folder)));
      return [...within(images, "."), ...labels.flat().slice(0, limits.paths)];
    }
    if (!stats?.isFile()) return [];
    const beside = option === "--dataset" ? await labelsOf(path) : undefined;
    return within(
      [...(beside === undefined ? [] : [basename(beside)]), ...(await listedIn(option, path, limits))],
      dirname(path),
    );
  } catch {
    // A file that cannot be read is reported when it is opened.
    return [];
  }
}

/** A folder has thousands of pictures: these are the outputs that would replace one of them. */
async function picturesAmong(written: readonly NamedFile[], folder: string): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  for (const { path } of written) {
    const [file, root] = await Promise.all([realpath(path), realpath(folder)]).catch(() => []);
    if (file === undefined || root === undefined || !PICTURE_NAME.test(file)) continue;
    if (file.startsWith(root + sep)) found.push({ option: "--dataset", path: file });
  }
  return found;
}

/** The labels that are read with a file of images. */
async function labelsOf(path: string): Promise<string | undefined> {
  if (!path.endsWith(".npy")) return (await labelsBeside(path))?.path;
  return (await import("#src/data/npz-set.js")).npyLabelsBeside(path);
}

const dataIn = async (folder: string) => (await readdir(folder)).filter((name) => DATA_NAME.test(name));

/** Paths that a list or a model names, relative to its folder; what the file is, its content shows. */
async function listedIn(option: string, path: string, limits: SearchLimits): Promise<readonly string[]> {
  const start = await readFileStart(path, START_BYTES).catch(() => Buffer.of());
  if (JSON_START.test(Buffer.from(start).toString("latin1"))) {
    if (MODELS.has(option)) {
      const { MAX_JSON_BYTES, tfjsLocations } = await import("#src/networks/keras/tfjs.js");
      const model = await readWholeFile(path, Math.min(MAX_JSON_BYTES, limits.modelBytes)).catch(() =>
        Buffer.of(),
      );
      if (looksLikeTfjs(model)) return tfjsLocations(path, model);
    }
    if (!LISTS.has(option)) return [];
    const { textsIn } = await import("#src/files/read-document.js");
    return [...(await textsIn(path, limits.paths))].filter((text) => text.length <= LONGEST_PATH);
  }
  if (!MODELS.has(option)) return [];
  const bytes = await readWholeFile(path, limits.modelBytes).catch(() => Buffer.of());
  const { externalPaths } = await import("#src/networks/onnx/external.js");
  try {
    return externalPaths(path, bytes).map((other) => relative(dirname(path), other));
  } catch {
    // Another format, which names no files.
    return [];
  }
}
