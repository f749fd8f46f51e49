/** Recognizes a PyTorch file by its beginning. */

/** The legacy magic number as pickle protocol 2 writes it (torch/serialization.py, MAGIC_NUMBER). */
export const LEGACY_HEAD = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/** Entries of a ZIP of torch.save or torch.jit.save: all stand in one folder. */
const TORCH_ENTRY =
  /^[^/]+\/(data\.pkl|version|byteorder|constants\.pkl|\.format_version|\.storage_alignment|data\/\d+|code\/.*)$/s;
/** Offset of an entry's name, and of its length: APPNOTE.TXT 6.3.10, section 4.3.7. */
const ZIP_NAME = 30;
const ZIP_NAME_BYTES = 26;

/** True for the beginning of a PyTorch file. `head` has one character per byte. */
export function looksLikeTorch(head: string): boolean {
  if (head.startsWith(LEGACY_HEAD)) return true;
  if (!head.startsWith("PK\x03\x04") || head.length < ZIP_NAME) return false;
  const nameBytes = head.charCodeAt(ZIP_NAME_BYTES) + 256 * head.charCodeAt(ZIP_NAME_BYTES + 1);
  return TORCH_ENTRY.test(head.slice(ZIP_NAME, ZIP_NAME + nameBytes));
}
