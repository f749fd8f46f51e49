/** Files that a file names beside itself: they must lie in its own folder or below it, by their real paths. */
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, sep, win32 } from "node:path";
import { printable } from "#src/base/text.js";
import { STANDARD_INPUT } from "./pipe.js";
import { isAbsent, readFault } from "./read-file.js";

/** True for a relative path without `..`. A file on standard input has no folder. */
export function isLocationInside(path: string, location: string): boolean {
  return (
    location !== "" &&
    !location.includes("\0") &&
    !isAbsolute(location) &&
    !win32.isAbsolute(location) &&
    !location.split(/[\\/]/).includes("..") &&
    path !== STANDARD_INPUT
  );
}

/**
 * Returns the real path of `location`, which must be inside.
 *
 * @param refuse throws the caller's own error for a file that is absent, or that a link leads out of the folder to
 * @throws FileError ERR_FILE_READ if the system does not answer
 */
export async function realPathBeside(
  path: string,
  location: string,
  refuse: (found: string, isOutside: boolean) => never,
): Promise<string> {
  const folder = await realpath(dirname(path));
  let real: string;
  try {
    real = await realpath(join(folder, location));
  } catch (error) {
    if (!isAbsent(error)) throw readFault(join(folder, location), error);
    return refuse("no such file", false);
  }
  if (real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return real;
  return refuse(`"${printable(location)}", a link to ${printable(real)}`, true);
}
