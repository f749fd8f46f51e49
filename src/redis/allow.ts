/** Which files and URLs a host reads for a run: what its operator permits, and nothing else. */
import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { RunError } from "#src/base/errors.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { pairsByPattern, pairsOfManifest } from "#src/data/stream/find-pairs.js";
import { cacheFolder } from "#src/files/catalog.js";
import { MIRROR_VARIABLE } from "#src/files/fetch-entry.js";
import { pathKind, readFileStart } from "#src/files/read-file.js";
import { NETWORK_NAMES } from "#src/networks/registry.js";
import type { Permission } from "./materialise.js";

const PATTERN = /[*?[\]{}]/;

/** The files and URLs that a host may read. */
export class Allowed implements Permission {
  readonly #folders: readonly string[];
  readonly #urls: readonly URL[];

  /** @param given folders and URLs of `--allow` @param targets the TO of each `--map` */
  constructor(given: readonly string[], targets: readonly string[]) {
    const urls = given.filter((each) => /^https?:/i.test(each));
    const folders = given.filter((each) => !urls.includes(each));
    this.#folders = [...folders, ...targets, cacheFolder()].map((each) =>
      each.startsWith("file:") ? fileURLToPath(each) : resolve(each),
    );
    const mirror = env[MIRROR_VARIABLE];
    this.#urls = [...urls, ...(mirror ? [mirror] : [])]
      .filter((each) => URL.canParse(each))
      .map((each) => new URL(each));
  }

  /** Whether a URL has the origin of a permitted one, and its whole segments at the beginning of the path. */
  permitsUrl(url: URL): boolean {
    return this.#urls.some(({ origin, pathname }) => {
      const folder = pathname.replace(/\/$/, "");
      const isBelow = url.pathname === folder || url.pathname.startsWith(`${folder}/`);
      // A server may take an escaped separator or dot for one.
      return origin === url.origin && isBelow && !/%2f|%5c|%2e|\\/i.test(url.pathname);
    });
  }

  /** The real path of a file below a permitted folder. @throws RunError ERR_HOST_LOCATION */
  async path(location: string): Promise<string> {
    const found = await realPathOf(resolve(location));
    for (const folder of this.#folders) {
      const top = await realPathOf(folder);
      if (found === top || found.startsWith(top.endsWith(sep) ? top : `${top}${sep}`)) return found;
    }
    throw new RunError("ERR_HOST_LOCATION", { location });
  }

  /** The data set as it is opened: a name, or a permitted path all of whose files are permitted too. */
  async dataset(location: string, isLabelled: boolean): Promise<string> {
    if (DATASET_NAMES.includes(location)) return location;
    if (PATTERN.test(location) && (await pathKind(location)) === undefined) {
      // A pattern with `..` could leave the folder that it begins in.
      if (location.split(/[\\/{},]/).includes("..")) throw new RunError("ERR_HOST_LOCATION", { location });
      await this.path(patternRoot(location));
      await this.#pairs(await pairsByPattern(location, isLabelled));
      return location;
    }
    const path = await this.#folderOrFile(location);
    if ((await pathKind(path)) === "file" && (await isManifest(path))) {
      await this.#pairs(await pairsOfManifest(path, isLabelled));
    }
    return path;
  }

  async network(location: string): Promise<string> {
    return NETWORK_NAMES.includes(location) ? location : this.#folderOrFile(location);
  }

  /** A permitted path. The links in a folder lead to permitted files too. */
  async #folderOrFile(location: string): Promise<string> {
    const path = await this.path(location);
    if ((await pathKind(path)) !== "folder") return path;
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await this.path(join(path, entry.name));
    }
    return path;
  }

  async #pairs(
    pairs: readonly { readonly imagesPath: string; readonly labelsPath?: string | undefined }[],
  ): Promise<void> {
    for (const { imagesPath, labelsPath } of pairs) {
      await this.path(imagesPath);
      if (labelsPath !== undefined) await this.path(labelsPath);
    }
  }
}

/** A manifest of pairs lists files by any path. */
async function isManifest(path: string): Promise<boolean> {
  if (path.endsWith(".json")) return true;
  return Buffer.from(await readFileStart(path, 4))
    .toString("latin1")
    .trimStart()
    .startsWith("[");
}

/** The folder before the first part with a mark of a pattern. */
function patternRoot(pattern: string): string {
  const parts = resolve(pattern).split(sep);
  return (
    parts
      .slice(
        0,
        parts.findIndex((part) => PATTERN.test(part)),
      )
      .join(sep) || sep
  );
}

/** The path without links; of one that does not exist, that of the nearest folder above that does. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(await realPathOf(above), basename(path));
  }
}
