import test from "ava";
import type { Activation, Layer, Network } from "#src/base/contracts/network.js";
import { BatchwiseError } from "#src/base/errors.js";
import { encodeSafetensors } from "#src/networks/safetensors.js";

function layer(inputs: number, outputs: number, activation: Activation): Layer {
  return {
    inputs,
    outputs,
    weights: Float64Array.from({ length: inputs * outputs }, (_, i) => i / 4 - 1),
    biases: Float64Array.from({ length: outputs }, (_, i) => -i / 8),
    activation,
  };
}

const small: Pick<Network, "layers" | "preprocessing"> = {
  layers: [layer(4, 3, "sigmoid"), layer(3, 2, "identity")],
  preprocessing: { kind: "scale" },
};

test("writes a header of JSON, padded to eight bytes with spaces, and contiguous little-endian F32 tensors", (t) => {
  const bytes = encodeSafetensors(small);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes));
  t.is(headerBytes % 8, 0);
  t.regex(text, /^\{.*\} {0,7}$/);
  t.deepEqual(JSON.parse(text), {
    __metadata__: { format: "batchwise", activation: "sigmoid", normalize: "scale" },
    W1: { dtype: "F32", shape: [4, 3], data_offsets: [0, 48] },
    b1: { dtype: "F32", shape: [3], data_offsets: [48, 60] },
    W2: { dtype: "F32", shape: [3, 2], data_offsets: [60, 84] },
    b2: { dtype: "F32", shape: [2], data_offsets: [84, 92] },
  });
  t.is(bytes.length, 8 + headerBytes + 92);
  t.is(view.getFloat32(8 + headerBytes, true), -1);
  t.is(view.getFloat32(8 + headerBytes + 44, true), 11 / 4 - 1);
  t.is(view.getFloat32(8 + headerBytes + 88, true), -1 / 8);
});

test("writes the same bytes for the same network", (t) => {
  t.deepEqual(encodeSafetensors(small), encodeSafetensors(structuredClone(small)));
});

test("refuses to write hidden layers of different activations, and a last layer that has one", (t) => {
  const mixed = [layer(4, 3, "sigmoid"), layer(3, 3, "relu"), layer(3, 2, "identity")];
  for (const layers of [mixed, mixed.slice(0, 2)]) {
    const error = t.throws(() => encodeSafetensors({ layers, preprocessing: { kind: "none" } }), {
      instanceOf: BatchwiseError,
    });
    t.is(error?.code, "ERR_NETWORK_ACTIVATIONS");
  }
});

test("refuses to write a weight that float32 cannot hold", (t) => {
  const large = layer(1, 2, "identity");
  large.weights[1] = 1e39;
  const error = t.throws(() => encodeSafetensors({ layers: [large], preprocessing: { kind: "scale" } }), {
    instanceOf: BatchwiseError,
  });
  t.is(error?.code, "ERR_NETWORK_F32");
  t.like(error?.facts, { layer: "W1", index: 1 });
});
