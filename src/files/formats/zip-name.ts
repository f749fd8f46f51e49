/** Names of entries in a ZIP archive. */
import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";

/**
 * A name is a path below where an archive is unpacked. We unpack to memory only, but nobody honest writes others.
 *
 * @throws FileError ERR_ZIP_NAME
 */
export function checkedName(path: string, bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const shown = printable(Buffer.from(bytes).toString("latin1"));
    throw new FileError("ERR_ZIP_NAME", { path, name: shown, reason: "which is not UTF-8" });
  }
  const reason = NAME_FAULTS.find(([pattern]) => pattern.test(name))?.[1];
  if (reason !== undefined) throw new FileError("ERR_ZIP_NAME", { path, name: printable(name), reason });
  return name;
}

const NAME_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^$/, "which is empty"],
  [/\\/, "which has a backslash"],
  [/^\/|^[A-Za-z]:/, "which is an absolute path"],
  [/(^|\/)\.\.(\/|$)/, "which leads out of its folder"],
  [/\p{Cc}/u, "which has control characters"],
  [/\/$/, "which is a folder"],
];
