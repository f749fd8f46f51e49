/** A file's format by its ending. */
import { extname } from "node:path";
import { UsageError } from "#src/base/errors.js";

/** Throws UsageError naming the option and the endings that there are. */
export function formatByEnding<Format>(
  formats: ReadonlyMap<string, Format>,
  path: string,
  option = "--output",
): Format {
  const format = formats.get(extname(path).toLowerCase());
  if (format !== undefined) return format;
  const endings = [...formats.keys()];
  const expected = `a file ending in ${endings.slice(0, -1).join(", ")} or ${endings[endings.length - 1]}`;
  throw new UsageError("ERR_OPTION_VALUE", { option, expected, found: path });
}
