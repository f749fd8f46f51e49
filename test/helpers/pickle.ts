/** Writes opcodes of pickles for tests, one character a byte, as Python, NumPy and PyTorch do. */
export const latin1 = (text: string) => Buffer.from(text, "latin1");
const length32 = (length: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes.toString("latin1");
};
export const text = (value: string) =>
  `X${length32(Buffer.byteLength(value))}${Buffer.from(value).toString("latin1")}`;
export const whole = (value: number) => `M${String.fromCharCode(value % 256, value >> 8)}`;
const tuple = (values: readonly number[]) => `(${values.map(whole).join("")}t`;
export const dict = (entries: Readonly<Record<string, string>>) =>
  `}(${Object.entries(entries)
    .map(([key, value]) => text(key) + value)
    .join("")}u`;
export const list = (values: readonly string[]) => `](${values.join("")}e`;
const byteString = (bytes: Uint8Array) =>
  `B${length32(bytes.length)}${Buffer.from(bytes).toString("latin1")}`;
/** As protocols 0 to 2 write bytes. */
export const encoded = (bytes: Uint8Array) =>
  `c_codecs\nencode\n${text(Buffer.from(bytes).toString("latin1"))}${text("latin1")}\x86R`;

/** An array of NumPy, as its __reduce__ writes it. */
export function numpy(type: string, shape: readonly number[], bytes: Uint8Array, pack = byteString): string {
  const order = type.endsWith("1") ? "|" : "<";
  return [
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85",
    `${pack(latin1("b"))}\x87R(K\x01${tuple(shape)}`,
    `cnumpy\ndtype\n${text(type)}\x89\x88\x87R(K\x03${text(order)}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb`,
    `\x89${pack(bytes)}tb`,
  ].join("");
}

const stride = (shape: readonly number[]) =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
/** A tensor of PyTorch; `legacy` as before version 1.6. */
export const tensor = (type: string, key: string, shape: readonly number[], legacy = false) => {
  const elements = shape.reduce((product, size) => product * size, 1);
  const storage = `(${text("storage")}ctorch\n${type}Storage\n${text(key)}${text("cpu")}${whole(elements)}`;
  return [
    `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${legacy ? "N" : ""}tQK\0${tuple(shape)}${tuple(stride(shape))}`,
    "\x89ccollections\nOrderedDict\n)RtR",
  ].join("");
};
