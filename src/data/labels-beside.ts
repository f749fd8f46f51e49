/** The labels of a file of images, by the name that MNIST's files and those like them give. */
import { basename, dirname, join } from "node:path";
import { pathKind } from "#src/files/path-kind.js";

/** An unpacked file goes before its gzipped twin. */
const ENDINGS = ["", ".gz"];

/**
 * The labels beside a file of images, by its name: `labels` for `images`, and `idx1` for `idx3`, gzipped or not.
 * `expected` is the name without `.gz`; undefined where the name has no `images` in it.
 */
export async function labelsBeside(
  imagesPath: string,
): Promise<{ readonly expected: string; readonly path: string | undefined } | undefined> {
  const name = basename(imagesPath);
  if (!name.includes("images")) return undefined;
  const expected = name.replace("images", "labels").replace("idx3", "idx1").replace(/\.gz$/, "");
  const candidates = ENDINGS.map((ending) => join(dirname(imagesPath), expected + ending));
  const kinds = await Promise.all(candidates.map(pathKind));
  return { expected, path: candidates.find((_, n) => kinds[n] === "file") };
}
