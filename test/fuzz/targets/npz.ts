/** A ZIP archive as a seed: its entries are its pieces, packed again with sizes and checksums that are right. */
import { zipFile } from "../../helpers/zip.js";
import type { Seed } from "../target.js";

const NUL = 0;

export function archive(name: string, entries: Readonly<Record<string, Uint8Array>>, deflated = false): Seed {
  const pieces = Object.entries(entries).map(([entry, content]) =>
    Buffer.concat([Buffer.from(`${entry}\0`), content]),
  );
  const pack = (changed: readonly Uint8Array[]) =>
    zipFile(changed.map((piece) => ({ ...unnamed(piece), deflated })));
  return { name, bytes: pack(pieces), inner: { pieces, pack } };
}

/** A piece is the entry's name, a zero byte, and its content; damage may reach either. */
function unnamed(piece: Uint8Array): { readonly name: string; readonly content: Uint8Array } {
  const end = piece.indexOf(NUL);
  if (end < 0) return { name: "", content: piece };
  return { name: Buffer.from(piece.subarray(0, end)).toString("latin1"), content: piece.subarray(end + 1) };
}
