/** ONNX models whose data are in files beside them: read as if they were inside, or refused with the reason. */
import { createHash } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { loadModel } from "#src/engines/load-model.js";
import { createEngine } from "#src/engines/registry.js";
import { readWholeModel } from "#src/networks/onnx/external.js";
import { runCli } from "../../helpers/cli.js";
import { loadDense } from "../../helpers/dense.js";
import { hasOnnxruntime } from "../../helpers/engines.js";
import { inCase } from "../../helpers/in-case.js";
import { type Field, FLOAT, fields, floats, model } from "../../helpers/onnx.js";
import { needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { codedAsync } from "../coded.js";
import { b, layer } from "./one-layer.js";

const withOnnx = needs("onnxruntime", hasOnnxruntime);
const W = [1, 2, 3, 4];
/** Four bytes of something else come first. */
const DATA = Buffer.concat([Buffer.from("skip"), floats(W)]);

/** A model of one layer whose weights (2, 2) are at this place. */
function external(
  place: Readonly<Record<string, string>>,
  type = FLOAT,
  dimensions: readonly number[] = [2, 2],
) {
  const entries = Object.entries(place).map(([key, text]): Field => [13, fields([1, key], [2, text])]);
  const sizes = dimensions.map((size): Field => [1, size]);
  return model({ ...layer, tensors: [fields(...sizes, [2, type], [8, "w"], ...entries, [14, 1]), b] });
}

const PLACE = { location: "m.onnx.data", offset: "4", length: "16" };

test("reads data in a file beside the model, and hashes both files", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "m.onnx");
  const bytes = external(PLACE);
  await writeFile(path, bytes);
  await writeFile(join(folder, "m.onnx.data"), DATA);
  const { layers, sha256 } = await loadDense(path, { normalize: "none" });
  t.deepEqual([...layers[0]!.weights], W);
  t.is(sha256, createHash("sha256").update(bytes).update(DATA).digest("hex"));
  await writeFile(join(folder, "m.onnx.data"), Buffer.concat([DATA, Buffer.from("more")]));
  t.not((await loadDense(path, { normalize: "none" })).sha256, sha256);
});

test("reads data without offset and length, in a folder below, and through links within the folder", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "w"), floats(W));
  await symlink(join("data", "w"), join(folder, "link"));
  for (const location of ["data/w", "link", "./data/w"]) {
    const { bytes, files } = await readWholeModel(join(folder, "m.onnx"), external({ location }));
    t.is(files.length, 2);
    await writeFile(join(folder, "whole.onnx"), bytes);
    t.deepEqual([...(await loadDense(join(folder, "whole.onnx"))).layers[0]!.weights], W, location);
  }
});

test("leaves a model without external data as it is", async (t) => {
  const bytes = model({ ...layer, metadata: { location: "here" } });
  t.is((await readWholeModel("m.onnx", bytes)).bytes, bytes);
});

withOnnx("runs a model with external data by onnxruntime", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "m.onnx");
  const bytes = external(PLACE);
  await writeFile(path, bytes);
  await writeFile(join(folder, "m.onnx.data"), DATA);
  const loaded = await loadModel(path, { normalize: "none" });
  t.is(loaded.sha256, createHash("sha256").update(bytes).update(DATA).digest("hex"));
  if ("layers" in loaded) throw new TypeError("read as layers");
  const logits = new Float64Array(2);
  await (await createEngine("onnx", loaded)).forward(Uint8Array.of(1, 2), 1, logits);
  t.deepEqual([...logits], [1 + 6 + 5, 2 + 8 + 6]);
});

test("refuses data outside of the model's folder, and places that do not fit", async (t) => {
  const parent = await temporaryFolder(t);
  const folder = join(parent, "model");
  await mkdir(folder);
  await mkdir(join(parent, "model.data"));
  await writeFile(join(folder, "m.onnx.data"), DATA);
  await writeFile(join(parent, "outside"), DATA);
  await writeFile(join(parent, "model.data", "w"), DATA);
  await symlink(join(parent, "outside"), join(folder, "link"));
  await symlink(parent, join(folder, "up"));
  const own = /in the model's own folder, found/;
  const refused: readonly (readonly [title: string, bytes: Uint8Array, found: RegExp])[] = [
    ["a path with ..", external({ ...PLACE, location: "../outside" }), own],
    ["a path with .. within", external({ ...PLACE, location: "data/../../outside" }), own],
    ["a Windows path with ..", external({ ...PLACE, location: "..\\outside" }), own],
    ["an absolute path", external({ ...PLACE, location: join(parent, "outside") }), own],
    ["a Windows drive", external({ ...PLACE, location: "C:\\weights" }), own],
    ["a path with a zero byte", external({ ...PLACE, location: "m.onnx.data\0" }), own],
    ["a link that leads out", external({ ...PLACE, location: "link" }), /a link to .*outside/],
    ["a linked folder that leads out", external({ ...PLACE, location: "up/outside" }), /a link to/],
    [
      "a linked folder whose name begins alike",
      external({ ...PLACE, location: "up/model.data/w" }),
      /a link to/,
    ],
    ["the folder itself", external({ ...PLACE, location: "." }), own],
    ["no location", external({ location: "" }), /without a location/],
    [
      "no such file",
      external({ ...PLACE, location: "other" }),
      /"other" beside the model, found no such file/,
    ],
    ["an offset beyond the file", external({ ...PLACE, offset: "5" }), /within the 20 bytes.*found offset 5/],
    ["a huge offset", external({ ...PLACE, offset: "999999999999999" }), /found offset 9+/],
    ["a negative offset", external({ ...PLACE, offset: "-4" }), /found offset -4/],
    ["an offset of words", external({ ...PLACE, offset: "1e0" }), /found offset 1e0/],
    ["a shorter length", external({ ...PLACE, length: "12" }), /16 bytes for shape \(2, 2\).*length 12/],
    ["a longer length", external({ ...PLACE, length: "17" }), /length 17/],
    ["elements of an unknown type", external(PLACE, 8), /found type 8/],
    ["a negative size", external(PLACE, FLOAT, [-2, -2]), /external data of numbers/],
  ];
  for (const [title, bytes, found] of refused) {
    await inCase(t, `refuses ${title}`, async () => {
      const path = join(folder, "m.onnx");
      const { message } = await codedAsync(t, readWholeModel(path, bytes), "ERR_ONNX_EXTERNAL");
      t.regex(message, found);
      t.false(message.includes("\n"));
    });
  }
  await codedAsync(
    t,
    readWholeModel(join(folder, "m.onnx"), external(PLACE, FLOAT, [2 ** 20, 2 ** 20])),
    "ERR_WEIGHTS_SIZE",
  );
  await codedAsync(t, readWholeModel("-", external(PLACE)), "ERR_ONNX_EXTERNAL");
});

test("does not let an output replace a model's file of data", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "m.onnx");
  const data = join(folder, "m.onnx.data");
  await writeFile(path, external(PLACE));
  await writeFile(data, DATA);
  const { status, stderr } = await runCli(["convert", path, data]);
  t.is(status, 2, stderr);
  t.regex(stderr, /ERR_OUTPUT_SHARED/);
  t.deepEqual(await readFile(data), DATA);
});
