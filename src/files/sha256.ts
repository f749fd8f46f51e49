/** The fingerprint of the files of a set, or of a network. */
import { createHash } from "node:crypto";
import { slices } from "./slices.js";

/** SHA-256, hex, of the files' bytes one behind the other. */
export async function sha256Of(files: readonly Uint8Array[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    for await (const slice of slices(file)) hash.update(slice);
  }
  return hash.digest("hex");
}
