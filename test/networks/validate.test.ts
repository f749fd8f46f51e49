import test from "ava";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { assertFitsImages } from "#src/networks/images.js";
import { buildLayers } from "#src/networks/validate.js";
import { inCase } from "../helpers/in-case.js";
import { coded } from "./coded.js";

function array(...shape: number[]): NamedArray {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float64Array.from({ length }, (_, index) => index / 8) };
}

/** W1, b1 … of a network of these widths. */
function arrays(...widths: number[]): Map<string, NamedArray> {
  const named = new Map<string, NamedArray>();
  widths.slice(1).forEach((outputs, index) => {
    named.set(`W${index + 1}`, array(widths[index] ?? 0, outputs));
    named.set(`b${index + 1}`, array(outputs));
  });
  return named;
}

test("builds one layer, three layers and twelve, the last of them without activation", (t) => {
  for (const widths of [
    [4, 2],
    [4, 3, 5, 2],
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  ]) {
    const layers = buildLayers("n", arrays(...widths), "relu");
    t.deepEqual([layers[0]?.inputs, ...layers.map((layer) => layer.outputs)], widths);
    t.deepEqual(
      layers.map((layer) => layer.activation),
      [...Array(widths.length - 2).fill("relu"), "identity"],
    );
  }
});

test("puts each array into shared memory once, unchanged", async (t) => {
  await inCase(t, "puts weights and biases into shared memory, unchanged", () => {
    const named = arrays(4, 3, 2);
    for (const [index, layer] of buildLayers("n", named, "sigmoid").entries()) {
      for (const [values, source] of [
        [layer.weights, named.get(`W${index + 1}`)],
        [layer.biases, named.get(`b${index + 1}`)],
      ] as const) {
        t.true(values.buffer instanceof SharedArrayBuffer);
        t.deepEqual([...values], [...(source?.data ?? [])]);
      }
    }
  });

  await inCase(t, "puts an array that two layers share into shared memory once", () => {
    const named = arrays(3, 3, 3);
    const tied = named.get("W1") ?? array();
    const [first, second] = buildLayers("n", named.set("W2", tied), "tanh");
    t.is(first?.weights, second?.weights);
  });

  await inCase(t, "takes biases that are one row or one column of a matrix", () => {
    for (const shape of [
      [1, 3],
      [3, 1],
    ]) {
      const named = arrays(4, 3, 2).set("b1", array(...shape));
      t.deepEqual([...(buildLayers("n", named, "sigmoid")[0]?.biases ?? [])], [0, 1 / 8, 2 / 8]);
    }
  });
});

function without(named: Map<string, NamedArray>, ...names: string[]): Map<string, NamedArray> {
  for (const name of names) named.delete(name);
  return named;
}

const KEYS: readonly (readonly [title: string, named: Map<string, NamedArray>, found: string])[] = [
  ["no arrays", new Map(), "no W1, b1"],
  ["biases that are missing", without(arrays(4, 3, 2), "b1"), "no b1"],
  ["a layer that is missing", without(arrays(4, 3, 3, 2), "W2", "b2"), "no W2, b2; unexpected W3, b3"],
  ["an array too many", arrays(4, 2).set("mean", array(4)), "unexpected mean"],
  ["biases of no layer", arrays(4, 2).set("b2", array(4)), "unexpected b2"],
  [
    "a number beyond counting",
    arrays(4, 2).set("W99999999999999999999", array(2, 2)),
    "no W2, b2; unexpected W99999999999999999999",
  ],
  ["a name with control characters", arrays(4, 2).set("\x1b[2J", array(4)), "unexpected \\u{1b}[2J"],
];

test("refuses missing and unexpected names, and lists a few of them", async (t) => {
  await inCase(t, "refuses missing and unexpected names, and lists them", async () => {
    for (const [title, named, found] of KEYS) {
      await inCase(t, `refuses ${title}, and lists what is missing or unexpected`, () => {
        t.like(coded(t, () => buildLayers("n", named, "sigmoid"), "ERR_NETWORK_KEYS").facts, {
          path: "n",
          found,
        });
      });
    }
  });

  await inCase(t, "lists a few names of many", () => {
    const named = new Map(Array.from({ length: 5000 }, (_, index) => [`model.layer${index}`, array(1)]));
    const error = coded(t, () => buildLayers("n", named, "sigmoid"), "ERR_NETWORK_KEYS");
    t.regex(error.message, /unexpected model\.layer0, .*model\.layer5 and 4994 more$/);
  });
});

const SHAPES: readonly (readonly [title: string, name: string, array: NamedArray, expected: string])[] = [
  ["weights that are a vector", "W1", array(12), "(inputs, outputs)"],
  ["weights of three dimensions", "W1", array(4, 3, 1), "(inputs, outputs)"],
  ["weights of no inputs", "W1", array(0, 3), "(inputs, outputs)"],
  ["weights of no outputs", "W2", array(3, 0), "(3, outputs)"],
  ["a layer that does not read what the one before it gives", "W2", array(4, 2), "(3, outputs)"],
  ["biases of another length", "b1", array(4), "(3,)"],
  ["biases of two rows", "b1", array(2, 3), "(3,)"],
  ["biases that are a number", "b2", array(), "(2,)"],
  ["biases of three dimensions", "b1", array(1, 3, 1), "(3,)"],
];

test("refuses layers that do not fit each other", async (t) => {
  for (const [title, name, wrong, expected] of SHAPES) {
    await inCase(t, `refuses ${title}`, () => {
      const named = arrays(4, 3, 2).set(name, wrong);
      const error = coded(t, () => buildLayers("n", named, "sigmoid"), "ERR_NETWORK_CHAIN");
      t.like(error.facts, { path: "n", layer: name, expected, found: wrong.shape });
    });
  }
});

test("refuses numbers that are not finite, with the name and the element", (t) => {
  for (const [name, index, value] of [
    ["W1", 11, Number.NaN],
    ["b1", 0, Number.POSITIVE_INFINITY],
    ["W2", 3, Number.NEGATIVE_INFINITY],
    ["b2", 1, Number.NaN],
  ] as const) {
    const named = arrays(4, 3, 2);
    named.get(name)?.data.set([value], index);
    const error = coded(t, () => buildLayers("n", named, "sigmoid"), "ERR_NETWORK_NOT_FINITE");
    t.deepEqual(error.facts, { path: "n", layer: name, index, found: String(value) });
  }
});

test("refuses more outputs than a prediction can tell apart, and images of other pixels", async (t) => {
  await inCase(t, "refuses more outputs than a prediction can tell apart", () => {
    t.is(buildLayers("n", arrays(1, 65_535), "sigmoid")[0]?.outputs, 65_535);
    t.is(buildLayers("n", arrays(1, 65_536, 2), "sigmoid").length, 2);
    const error = coded(t, () => buildLayers("n", arrays(1, 65_536), "sigmoid"), "ERR_NETWORK_OUTPUTS");
    t.deepEqual(error.facts, { path: "n", found: 65_536, limit: 65_535 });
  });

  await inCase(t, "refuses images of other rows and columns than the file states", () => {
    const network = { layers: buildLayers("n", arrays(6, 2), "sigmoid"), imageSizes: [2, 3] };
    t.notThrows(() => assertFitsImages(network, "n", { rows: 2, columns: 3, channels: 1 }));
    for (const [rows, columns] of [
      [3, 2],
      [1, 6],
    ] as const) {
      const fits = () => assertFitsImages(network, "n", { rows, columns, channels: 1 });
      t.deepEqual(coded(t, fits, "ERR_NETWORK_IMAGES").facts, {
        path: "n",
        expected: [2, 3],
        found: [rows, columns],
      });
    }
  });

  await inCase(t, "refuses images that have another number of pixels than the network reads", () => {
    const network = { layers: buildLayers("n", arrays(6, 2), "sigmoid") };
    t.notThrows(() => assertFitsImages(network, "n", { rows: 2, columns: 3, channels: 1 }));
    const error = coded(
      t,
      () => assertFitsImages(network, "n", { rows: 3, columns: 3, channels: 1 }),
      "ERR_NETWORK_INPUTS",
    );
    t.deepEqual(error.facts, { path: "n", expected: 6, found: 9, imageShape: [3, 3] });
  });
});
