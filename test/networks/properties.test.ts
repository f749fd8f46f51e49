/** Whatever a network is, what we write of it reads back as it was: every format, every shape that chains. */
import test from "ava";
import fc from "fast-check";
import type { Activation, Layer, Network } from "#src/base/contracts/network.js";
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz } from "#src/networks/numpy.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { decodeOnnx } from "#src/networks/onnx/operators.js";
import { decodeSafetensors, encodeSafetensors } from "#src/networks/safetensors.js";
import { buildLayers } from "#src/networks/validate.js";

const RUNS = { numRuns: 150, seed: 7 };

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const numbers = (length: number) =>
  fc.array(number, { minLength: length, maxLength: length }).map((values) => Float64Array.from(values));

function layer(inputs: number, outputs: number, activation: Activation): fc.Arbitrary<Layer> {
  return fc.record({
    inputs: fc.constant(inputs),
    outputs: fc.constant(outputs),
    weights: numbers(inputs * outputs),
    biases: numbers(outputs),
    activation: fc.constant(activation),
  });
}

/** One to four layers of one to five each; identity where there is nothing hidden. */
const network: fc.Arbitrary<Pick<Network, "layers" | "preprocessing">> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 5 }),
    fc.constantFrom<Activation>("sigmoid", "relu", "tanh"),
  )
  .chain(([sizes, hidden]) =>
    fc.tuple(
      ...sizes
        .slice(1)
        .map((outputs, n) => layer(sizes[n], outputs, n === sizes.length - 2 ? "identity" : hidden)),
    ),
  )
  .map((layers) => ({ layers, preprocessing: { kind: "scale" } }));

/** −0 is not 0 here, and shared memory is memory. */
function plain(layers: readonly Layer[]): unknown {
  return layers.map(({ weights, biases, ...rest }) => ({
    ...rest,
    weights: [...weights],
    biases: [...biases],
  }));
}

test("a network written as .npz, stored or deflated, reads back as it was", async (t) => {
  await fc.assert(
    fc.asyncProperty(network, fc.boolean(), async (given, deflated) => {
      const { activation } = given.layers[0];
      const arrays = await decodeNpz("p", encodeNpz(given, "float64", { deflated }));
      t.deepEqual(plain(buildLayers("p", arrays, activation)), plain(given.layers));
    }),
    RUNS,
  );
});

test("a network written as safetensors reads back as it was", (t) => {
  fc.assert(
    fc.property(network, (given) => {
      const { arrays } = decodeSafetensors("p", encodeSafetensors(given, "float64"));
      t.deepEqual(plain(buildLayers("p", arrays, given.layers[0].activation)), plain(given.layers));
    }),
    RUNS,
  );
});

test("a network written as ONNX reads back as it was", (t) => {
  fc.assert(
    fc.property(network, (given) => {
      const { arrays, activations } = decodeOnnx("p", encodeOnnx(given, "float64"));
      t.deepEqual(plain(buildLayers("p", arrays, activations)), plain(given.layers));
    }),
    RUNS,
  );
});

test("an array of any rank written as .npy reads back as it was", (t) => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const array = shapes.chain((shape) =>
    numbers(shape.reduce((all, size) => all * size, 1)).map((data) => ({ shape, data })),
  );
  fc.assert(
    fc.property(array, (given) => {
      t.deepEqual(decodeNpy("p", "a", encodeNpy("a", given, "float64")), given);
    }),
    RUNS,
  );
});
