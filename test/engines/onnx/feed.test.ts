/** The tables that make pixels a model's inputs. */
import test from "ava";
import { byteTable } from "#src/engines/onnx/feed.js";
import { decodeElements } from "#src/files/formats/arrays.js";

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const STANDARDIZE = { kind: "standardize", mean: 0.1307, std: 0.3081 } as const;
const standardized = (byte: number) => (byte / 255 - STANDARDIZE.mean) / STANDARDIZE.std;

/** The numbers of a table of float16. */
function halves(
  ...args: Parameters<typeof byteTable> extends [unknown, ...infer Rest] ? Rest : never
): number[] {
  const bits = byteTable("float16", ...args);
  return [...decodeElements(new Uint8Array(bits.buffer), "float16", true)];
}

test("gives each byte's number in the input's own type", (t) => {
  t.deepEqual([...byteTable("uint8", { kind: "none" })], BYTES);
  t.deepEqual(
    [...byteTable("float64", { kind: "scale" })],
    BYTES.map((byte) => byte / 255),
  );
  t.deepEqual(
    [...byteTable("float32", STANDARDIZE)],
    BYTES.map((byte) => Math.fround(standardized(byte))),
  );
  t.deepEqual([...byteTable("float32", { kind: "whiten-zca", epsilon: 0.1, folded: true })], BYTES);
});

test("rounds to the nearest float16, half its last bit away at most", (t) => {
  t.deepEqual(halves({ kind: "none" }), BYTES);
  for (const [n, found] of halves({ kind: "scale" }).entries()) {
    t.true(Math.abs(found - n / 255) <= 2 ** (Math.floor(Math.log2(n / 255)) - 11));
  }
  for (const [n, found] of halves(STANDARDIZE).entries()) {
    const expected = standardized(n);
    t.true(Math.abs(found - expected) <= 2 ** (Math.floor(Math.log2(Math.abs(expected))) - 11));
  }
});

test("gives float16 its subnormal numbers, and infinity beyond its largest", (t) => {
  const tiny = halves({ kind: "standardize", mean: 0, std: 2 ** 17 });
  t.is(tiny[255], 2 ** -17);
  t.is(tiny[51], Math.round((0.2 * 2 ** -17) / 2 ** -24) * 2 ** -24);
  const huge = halves({ kind: "standardize", mean: 0.5, std: 1e-6 });
  t.is(huge[0], Number.NEGATIVE_INFINITY);
  t.is(huge[255], Number.POSITIVE_INFINITY);
});
