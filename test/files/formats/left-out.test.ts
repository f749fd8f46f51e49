/** The command that exports weights names what it does not export: a preprocessing beside them is not lost in silence. */
import test, { type ExecutionContext } from "ava";
import { recognizeFile } from "#src/files/formats/known/recognize.js";
import { runCli } from "../../helpers/cli.js";
import { npyDict, npyFile, npyFloats } from "../../helpers/npy.js";
import { temporaryFile } from "../../helpers/temporary.js";
import { zipFile } from "../../helpers/zip.js";

const [INPUTS, UNITS, CLASSES] = [12, 7, 3];
const zeros = (...shape: number[]) => npyFloats(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
const LAYERS = {
  w1: zeros(INPUTS, UNITS),
  b1: zeros(UNITS),
  w2: zeros(UNITS, CLASSES),
  b2: zeros(CLASSES),
};
const scalar = npyFile(npyDict("<f8", []), new Uint8Array(Float64Array.of(0.1307).buffer));

function npz(arrays: Readonly<Record<string, Buffer>>): Buffer {
  return zipFile(Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content })));
}

async function stepOf(bytes: Uint8Array, t: ExecutionContext, name: string) {
  const path = await temporaryFile(t, bytes, name);
  const step = (await recognizeFile(path, { use: "weights", split: "test" }))?.nextStep ?? "";
  t.regex(step, /np\.savez\('out\.npz',W1=/, name);
  return step;
}

test("a mean and a deviation beside the weights become options", async (t) => {
  for (const [mean, std, value] of [
    ["mean", "std", scalar],
    ["x_mean", "x_std", zeros(1)],
    ["mu", "sigma", zeros(1, 1)],
  ] as const) {
    const step = await stepOf(npz({ ...LAYERS, [mean]: value, [std]: value }), t, "m.npz");
    t.true(
      step.includes(`this leaves out ${mean}, ${std}; where the training used them, give them as --mean`),
      step,
    );
  }
});

test("a mean and a deviation of each pixel are no option, and the way to fold them is named", async (t) => {
  for (const value of [zeros(INPUTS), zeros(1, INPUTS), zeros(INPUTS, 1)]) {
    const step = await stepOf(npz({ ...LAYERS, mean: value, std: value }), t, "m.npz");
    t.regex(step, /this leaves out mean, std; numbers for each pixel are no option: .*W1 \/ std\[:, None\]/);
    t.notRegex(step, /--mean/);
  }
});

test("numbers beside the arrays of a JSON are named too", async (t) => {
  const rows = (count: number, length: number) =>
    Array.from({ length: count }, () => Array(length).fill(0.5));
  const json = { w1: rows(INPUTS, CLASSES), b1: rows(1, CLASSES)[0], mean: 0.1307, std: 0.3081, epochs: 20 };
  const step = await stepOf(Buffer.from(JSON.stringify(json)), t, "m.json");
  t.regex(step, /this leaves out mean, std; where the training used them, give them as --mean and --std/);
});

test("numbers in a dict or a list of their own are named by its name", async (t) => {
  const rows = (count: number, length: number) =>
    Array.from({ length: count }, () => Array(length).fill(0.5));
  const net = [rows(INPUTS, CLASSES), rows(1, CLASSES)[0]];
  for (const norm of [{ offset: 0.1307, divisor: 0.3081 }, [0.1307, 0.3081], "0.1307 0.3081"]) {
    const step = await stepOf(Buffer.from(JSON.stringify({ net, norm })), t, "m.json");
    t.regex(step, /this leaves out norm; /);
  }
});

test("a file of layers alone, or with their sizes, leaves nothing out", async (t) => {
  for (const more of [{}, { layer_sizes: zeros(4) }, { sizes: zeros(4) }]) {
    t.notRegex(await stepOf(npz({ ...LAYERS, ...more }), t, "m.npz"), /leaves out/);
  }
  t.regex(await stepOf(npz({ ...LAYERS, history: zeros(50) }), t, "m.npz"), /this leaves out history$/);
});

test("the command line prints it", async (t) => {
  const path = await temporaryFile(t, npz({ ...LAYERS, mean: scalar, std: scalar }), "m.npz");
  const { status, stderr } = await runCli(["--weights", path]);
  t.is(status, 3);
  t.regex(stderr, /^batchwise: ERR_NETWORK_KEYS: .*this leaves out mean, std; .*--mean and --std/m);
});
