/** The network of the book (Deep Learning from Scratch, chapter 3), where this machine has it. */
import { join } from "node:path";
import { loadNetwork } from "#src/networks/registry.js";
import { mnist, needs } from "../helpers/require.js";

needs("mnist", mnist !== undefined)("reads the book's network as Python does", async (t) => {
  const network = await loadNetwork(join(mnist ?? "", "sample_weight.pkl"));
  t.deepEqual(
    network.layers.map(({ inputs, outputs, activation }) => [inputs, outputs, activation]),
    [
      [784, 50, "sigmoid"],
      [50, 100, "sigmoid"],
      [100, 10, "identity"],
    ],
  );
  t.is(network.sha256, "b7f55a27988ba34c3777b0f1bbd464817c8a4db855723e6ff26f703501917a13");
  t.deepEqual(network.preprocessing, { kind: "scale" });
  // float(network["W1"][0, 0]) and so on; the file holds float32 in Fortran order.
  const [first, second, third] = network.layers;
  t.deepEqual([...(first?.weights.subarray(0, 2) ?? [])], [-0.007412489037960768, -0.007904390804469585]);
  t.is(first?.weights.at(-1), -0.040211476385593414);
  t.is(second?.weights[0], -0.1069403886795044);
  t.is(third?.weights[0], -0.4217357635498047);
  t.is(third?.biases[0], -0.060239847749471664);
});
