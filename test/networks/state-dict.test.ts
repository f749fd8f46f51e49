/** PyTorch's names: transposed, paired, and put in the order in which they chain. */
import test from "ava";
import { atLeast, type ErrorCode } from "#src/base/errors.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { ARRAYS_ALONE, assembled } from "#src/networks/assemble.js";
import { orderByShape } from "#src/networks/chain.js";
import { readBlocks } from "#src/networks/modules.js";
import { planLayers } from "#src/networks/state-dict.js";
import { buildLayers } from "#src/networks/validate.js";
import { inCase } from "../helpers/in-case.js";
import { coded } from "./coded.js";

type Shape = readonly number[];
const shapes = (record: Readonly<Record<string, Shape>>) => new Map(Object.entries(record));
const order = (record: Readonly<Record<string, Shape>>) =>
  planLayers("n", shapes(record)).map(({ weights }) => weights);

/** Element k is k. */
function array(...shape: number[]): NamedArray {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float64Array.from({ length }, (_, index) => index) };
}

test("transposes weights, and takes missing biases as zeros", (t) => {
  const arrays = new Map([
    ["fc1.weight", array(2, 3)],
    ["fc1.bias", array(2)],
    ["fc2.weight", array(1, 2)],
  ]);
  const [first, second] = atLeast(buildLayers("n", arrays, "relu"), 2);
  t.deepEqual([first.inputs, first.outputs, first.activation], [3, 2, "relu"]);
  t.deepEqual([...first.weights], [0, 3, 1, 4, 2, 5]);
  t.deepEqual([...first.biases], [0, 1]);
  t.deepEqual([second.inputs, second.outputs, second.activation], [2, 1, "identity"]);
  t.deepEqual([...second.biases], [0]);
  for (const { weights, biases } of [first, second]) {
    t.true(weights.buffer instanceof SharedArrayBuffer && biases.buffer instanceof SharedArrayBuffer);
  }
});

test("orders layers by their shapes, whatever their names", async (t) => {
  for (const [title, record, expected] of [
    [
      "torch.nn.Sequential",
      { "2.weight": [10, 50], "2.bias": [10], "0.weight": [50, 784], "0.bias": [50] },
      ["0.weight", "2.weight"],
    ],
    [
      "attributes",
      { "fc2.weight": [10, 50], "fc1.weight": [50, 784], "fc1.bias": [50] },
      ["fc1.weight", "fc2.weight"],
    ],
    [
      "names without numbers",
      { "out.weight": [10, 50], "hidden.weight": [50, 784] },
      ["hidden.weight", "out.weight"],
    ],
    [
      "a list of layers within a model",
      { "model.layers.1.weight": [10, 50], "model.layers.0.weight": [50, 784] },
      ["model.layers.0.weight", "model.layers.1.weight"],
    ],
    ["one layer without a name of its own", { weight: [10, 784], bias: [10] }, ["weight"]],
    [
      "numbers that shapes contradict",
      { "fc1.weight": [10, 50], "fc2.weight": [50, 784] },
      ["fc2.weight", "fc1.weight"],
    ],
    [
      "a loop and a way out of it",
      { "b.weight": [3, 2], "a.weight": [2, 4], "c.weight": [4, 3], "d.weight": [9, 4] },
      ["a.weight", "b.weight", "c.weight", "d.weight"],
    ],
  ] as const) {
    await inCase(t, `orders ${title} by their shapes`, () => {
      t.deepEqual(order(record), [...expected]);
    });
  }
});

test("orders square layers by the numbers in their names, and ten behind nine", (t) => {
  const names = Array.from({ length: 12 }, (_, n) => `layers.${n}.weight`);
  const shuffled = [...names].sort();
  t.notDeepEqual(shuffled, names);
  t.deepEqual(order(Object.fromEntries(shuffled.map((name) => [name, [8, 8]]))), names);
});

const REFUSED: readonly (readonly [
  title: string,
  record: Readonly<Record<string, Shape>>,
  code: ErrorCode,
  found: RegExp,
])[] = [
  [
    "square layers without numbers",
    { "a.weight": [8, 8], "b.weight": [8, 8] },
    "ERR_NETWORK_ORDER",
    /a\.weight \(8, 8\), b\.weight \(8, 8\)/,
  ],
  [
    "numbers of different names",
    { "fc1.weight": [8, 8], "out2.weight": [8, 8] },
    "ERR_NETWORK_ORDER",
    /fc1\.weight/,
  ],
  [
    "the same number twice",
    { "fc1.weight": [8, 8], "fc01.weight": [8, 8] },
    "ERR_NETWORK_ORDER",
    /fc01\.weight/,
  ],
  [
    "numbers whose order does not chain",
    { "fc1.weight": [8, 8], "fc2.weight": [4, 8], "fc3.weight": [8, 8] },
    "ERR_NETWORK_ORDER",
    /fc3\.weight/,
  ],
  [
    "shapes that do not chain",
    { "0.weight": [50, 784], "1.weight": [10, 51] },
    "ERR_NETWORK_ORDER",
    /layers whose shapes chain/,
  ],
  [
    "convolutions, by name",
    { "conv1.weight": [8, 1, 3, 3], "fc.weight": [10, 8] },
    "ERR_NETWORK_RANK",
    /conv1\.weight \(8, 1, 3, 3\); the layers of a state dict are read if they are Linear/,
  ],
  [
    "normalizations, by name",
    { "bn.weight": [8], "bn.bias": [8], "fc.weight": [10, 8] },
    "ERR_NETWORK_RANK",
    /bn\.weight \(8,\)/,
  ],
  ["weights of nothing", { "fc.weight": [0, 8] }, "ERR_NETWORK_RANK", /fc\.weight/],
  [
    "biases of another length",
    { "fc.weight": [10, 8], "fc.bias": [9] },
    "ERR_NETWORK_CHAIN",
    /fc\.bias: expected shape \(10,\)/,
  ],
  [
    "biases of no weights",
    { "fc.weight": [10, 8], "fd.bias": [10] },
    "ERR_NETWORK_KEYS",
    /unexpected fd\.bias/,
  ],
  [
    "other arrays",
    { "fc.weight": [10, 8], "bn.running_mean": [8] },
    "ERR_NETWORK_KEYS",
    /unexpected bn\.running_mean/,
  ],
  ["too many outputs", { "fc.weight": [65_536, 1] }, "ERR_NETWORK_OUTPUTS", /65,536/],
];

test("refuses tensors that are no chain of layers", async (t) => {
  for (const [title, record, code, found] of REFUSED) {
    await inCase(t, `refuses ${title}`, () => {
      t.regex(coded(t, () => planLayers("n", shapes(record)), code).message, found);
    });
  }
});

test("refuses 1,001 layers, and gives up on a thousand that could stand in any order", (t) => {
  const many = (count: number) =>
    shapes(
      Object.fromEntries(
        Array.from({ length: count }, (_, n) => [`${String.fromCodePoint(0x4e00 + n)}.weight`, [2, 2]]),
      ),
    );
  coded(t, () => planLayers("n", many(1_001)), "ERR_NETWORK_ORDER");
  coded(t, () => planLayers("n", many(1_000)), "ERR_NETWORK_ORDER");
});

test("tells one order from several and from none", (t) => {
  const layer = (inputs: number, outputs: number) => ({ inputs, outputs });
  const chain = [layer(3, 4), layer(4, 5), layer(5, 3)];
  t.is(orderByShape(chain), "several"); // A circle begins anywhere.
  t.is(orderByShape([layer(1, 2), layer(3, 4)]), "none");
  t.is(orderByShape([layer(1, 2), layer(1, 2)]), "none");
  const thousand = Array.from({ length: 1_000 }, (_, n) => layer(n, n + 1));
  t.deepEqual(orderByShape([...thousand].reverse()), thousand);
});

test("orders equal convolutions by the file or by numbers, and never by the alphabet", (t) => {
  const dict = (...names: readonly string[]) =>
    shapes({
      [`${names[0]}.weight`]: [4, 1, 3, 3],
      [`${names[1]}.weight`]: [4, 4, 3, 3],
      [`${names[2]}.weight`]: [4, 4, 3, 3],
      "out.weight": [10, 196],
    });
  const blocks = (isOrdered: boolean, ...names: readonly string[]) =>
    readBlocks("n", dict(...names), isOrdered, undefined).map(({ name }) => name);
  t.deepEqual(blocks(true, "a", "second", "first"), ["a", "second", "first", "out"]);
  t.deepEqual(blocks(false, "base", "conv10", "conv9"), ["base", "conv9", "conv10", "out"]);
  const { message } = coded(t, () => blocks(false, "a", "second", "first"), "ERR_NETWORK_ORDER");
  t.regex(message, /chain in one order, found a \(4, 1, 3, 3\), first/);
});

test("names the padding, the pool and the activation that it assumes of the book's convolutions", async (t) => {
  const arrays = new Map([
    ["W1", array(2, 1, 3, 3)],
    ["b1", array(2)],
    ["W2", array(2 * 13 * 13, 4)],
    ["b2", array(4)],
    ["W3", array(4, 3)],
    ["b3", array(3)],
  ]);
  const assumed = async (activation?: "tanh") => {
    const { assumptions } = await assembled("n", "n", { arrays, ...ARRAYS_ALONE }, { activation });
    return assumptions.map(({ what }) => what);
  };
  const architecture = "SimpleConvNet of the book's chapter 7 (stride 1, padding 0 and a 2 × 2 max pool)";
  t.deepEqual(await assumed(), [architecture, "relu between layers"]);
  t.deepEqual(await assumed("tanh"), [architecture]);
});

test("takes no history of the training for biases, though it is as long as a layer is wide", (t) => {
  const histories = shapes({ w1: [784, 50], w2: [50, 10], train_loss: [50], test_acc: [10] });
  t.deepEqual(
    planLayers("n", histories).map(({ biases }) => biases),
    [undefined, undefined],
  );
  const named = shapes({ w1: [784, 50], w2: [50, 10], first: [50], second: [10] });
  t.deepEqual(
    planLayers("n", named).map(({ biases }) => biases),
    ["first", "second"],
  );
});
