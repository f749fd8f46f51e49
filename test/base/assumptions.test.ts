import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { assumedText } from "#src/base/assumptions.js";
import { evaluate, loadNetwork, NetworkError } from "#src/index.js";
import { encodeNpz } from "#src/networks/numpy.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { runCli } from "../helpers/cli.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFolder } from "../helpers/temporary.js";

const NETWORK = randomNetwork([784, 12, 10], "sigmoid");
const ACTIVATION = { subject: "activation", what: "sigmoid between layers", option: "--activation" } as const;
const PIXELS = { subject: "pixels", what: "pixels ÷ 255", option: "--normalize" } as const;

/** A safetensors file as PyTorch's users write it: names of a state dict, no metadata of ours. */
function stateDict(): Uint8Array {
  const file = Buffer.from(encodeSafetensors({ ...NETWORK, preprocessing: { kind: "scale" } }));
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  const names: Record<string, string> = {
    W1: "fc1.weight",
    b1: "fc1.bias",
    W2: "fc2.weight",
    b2: "fc2.bias",
  };
  const renamed = Object.fromEntries(
    Object.entries(names).map(([ours, theirs]) => {
      const { shape, ...rest } = header[ours];
      return [theirs, { ...rest, shape: [...shape].reverse() }];
    }),
  );
  const json = Buffer.from(JSON.stringify(renamed));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, file.subarray(8 + length)]);
}

async function written(t: ExecutionContext, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(t), name);
  await writeFile(path, bytes);
  return path;
}

test("names what each format leaves open, with the value that is likeliest for it", async (t) => {
  const table = [
    ["w.npz", encodeNpz(NETWORK, "float64"), [ACTIVATION, PIXELS]],
    ["one-layer.npz", encodeNpz(randomNetwork([784, 10]), "float64"), [PIXELS]],
    ["torch.safetensors", stateDict(), [{ ...ACTIVATION, what: "relu between layers" }, PIXELS]],
    ["ours.safetensors", encodeSafetensors(NETWORK), []],
    ["ours.onnx", encodeOnnx(NETWORK), []],
  ] as const;
  for (const [name, bytes, expected] of table) {
    const { assumptions } = await loadNetwork(await written(t, name, bytes));
    t.deepEqual(
      assumptions,
      expected.map((one) => ({ ...one, source: name })),
      name,
    );
  }
});

test("assumes nothing that an option states", async (t) => {
  const path = await written(t, "w.npz", encodeNpz(NETWORK, "float64"));
  const subjects = async (options: Parameters<typeof loadNetwork>[1]) =>
    (await loadNetwork(path, options)).assumptions.map(({ subject }) => subject);
  t.deepEqual(await subjects({ activation: "sigmoid" }), ["pixels"]);
  t.deepEqual(await subjects({ normalize: "scale" }), ["activation"]);
  t.deepEqual(await subjects({ activation: "relu", mean: 0.5, std: 0.5 }), []);
});

test("names the orientation of weights that are all square", async (t) => {
  const square = await written(t, "square.npz", encodeNpz(randomNetwork([4, 4, 4]), "float64"));
  const { assumptions } = await loadNetwork(square, { activation: "relu", normalize: "none" });
  t.deepEqual(assumptions, [
    {
      subject: "orientation",
      what: "weights (inputs × outputs)",
      source: "square.npz",
      option: "--architecture",
    },
  ]);
  const stated = await written(t, "square.safetensors", encodeSafetensors(randomNetwork([4, 4, 4])));
  t.deepEqual((await loadNetwork(stated)).assumptions, []);
});

test("converted files carry what was assumed, and an option settles it there", async (t) => {
  const input = await written(t, "torch.safetensors", stateDict());
  for (const name of ["out.safetensors", "out.onnx"]) {
    const output = await written(t, name, Buffer.alloc(0));
    const { status, stderr } = await runCli(["convert", input, output]);
    t.is(status, 0, stderr);
    t.regex(stderr, /^assumed: relu between layers, pixels ÷ 255 \(torch\.safetensors states neither\)/m);
    const network = await loadNetwork(output);
    t.deepEqual(
      network.assumptions.map(({ what }) => what),
      ["relu between layers", "pixels ÷ 255"],
    );
    t.is(network.layers[0]?.activation, "relu");
    const asked = await loadNetwork(output, { activation: "sigmoid", normalize: "none" });
    t.deepEqual(asked.assumptions, []);
    t.is(asked.layers[0]?.activation, "sigmoid");
    const stated = await runCli(["convert", input, output, "--activation", "relu", "--normalize", "scale"]);
    t.false(stated.stderr.includes("assumed"), stated.stderr);
    t.deepEqual((await loadNetwork(output)).assumptions, []);
  }
});

test("every command that uses a network names its assumptions once, also with --quiet", async (t) => {
  const weights = await written(t, "w.npz", encodeNpz(NETWORK, "float64"));
  const fitted = join(await temporaryFolder(t), "fitted.safetensors");
  const line =
    "assumed: sigmoid between layers, pixels ÷ 255 (w.npz states neither); set --activation, --normalize";
  const limit = ["--limit", "300", "--threads", "0"];
  for (const args of [
    ["--weights", weights, ...limit],
    ["--weights", weights, ...limit, "--engine", "simd", "--format", "json"],
    ["show", "3", "--weights", weights],
    ["inspect", "--weights", weights],
    ["predict", "fixtures/pictures/seven.png", "--weights", weights],
    ["predict", "fixtures/pictures/seven.png", "--weights", weights, "--format", "json"],
    ["inspect", "--weights", weights, "--format", "json"],
    ["compare", "bundled", weights, ...limit],
    ["bench", "--weights", weights, "--limit", "100", "--threads", "0", "--repeat", "1", "--engine", "simd"],
  ]) {
    const { status, stderr } = await runCli([...args, "--quiet"]);
    t.is(status, 0, stderr);
    t.is(stderr.split(line).length, 2, `${args.join(" ")}: ${stderr}`);
  }
  const fit = [
    "fit",
    "--normalize",
    "standardize",
    "--dataset",
    "bundled",
    "--split",
    "test",
    "--output",
    fitted,
  ];
  const { stderr } = await runCli([...fit, "--weights", weights]);
  t.regex(stderr, /^assumed: sigmoid between layers \(w\.npz does not state it\); set --activation$/m);
});

test("the answer holds the assumptions in every format that has a place for them", async (t) => {
  const weights = await written(t, "w.npz", encodeNpz(NETWORK, "float64"));
  const folder = await temporaryFolder(t);
  const outputs = ["a.json", "a.txt", "a.md", "a.xml"].flatMap((name) => ["--output", join(folder, name)]);
  const report = join(folder, "report.html");
  const { status, stderr } = await runCli([
    "--weights",
    weights,
    "--limit",
    "200",
    ...outputs,
    "--report",
    report,
  ]);
  t.is(status, 0, stderr);
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const { assumptions } = JSON.parse(await read("a.json"));
  t.deepEqual(assumptions, [
    { ...ACTIVATION, source: "w.npz" },
    { ...PIXELS, source: "w.npz" },
  ]);
  t.regex(await read("a.txt"), /^Assumed +: sigmoid between layers, pixels ÷ 255 \(w\.npz states neither\)/m);
  t.regex(await read("a.md"), /\*\*Assumed\*\*: .*sigmoid between layers/);
  t.regex(
    await read("a.xml"),
    /<property name="assumed\.activation" value="sigmoid between layers \(w\.npz\)"\/>/,
  );
  t.regex(await read("report.html"), /"assumptions":\[\{"subject":"activation"/);
});

test("--strict refuses all assumptions in one error before anything is evaluated", async (t) => {
  const weights = await written(t, "w.npz", encodeNpz(NETWORK, "float64"));
  const folder = await temporaryFolder(t);
  await mkdir(folder, { recursive: true });
  for (const args of [
    ["--weights", weights],
    ["show", "3", "--weights", weights],
    ["inspect", "--weights", weights],
    ["predict", "fixtures/pictures/seven.png", "--weights", weights],
    ["compare", "bundled", weights],
    ["bench", "--weights", weights, "--threads", "0"],
    ["convert", weights, join(folder, "out.onnx")],
    [
      "fit",
      "--normalize",
      "whiten-zca",
      "--dataset",
      "bundled",
      "--weights",
      weights,
      "--output",
      join(folder, "f.safetensors"),
    ],
  ]) {
    const { status, stdout, stderr } = await runCli([...args, "--strict"]);
    t.is(status, 3, `${args.join(" ")}: ${stderr}`);
    t.regex(
      stderr,
      /^batchwise: ERR_ASSUMED: --strict: expected no assumptions, found sigmoid between layers.*\n$/,
    );
    t.is(stdout, "");
  }
  const error = await t.throwsAsync(evaluate({ weights, strict: true, threads: 0 }), {
    instanceOf: NetworkError,
  });
  t.is(error.code, "ERR_ASSUMED");
  const stated = [
    "--activation",
    "sigmoid",
    "--normalize",
    "scale",
    "--strict",
    "--limit",
    "10",
    "--threads",
    "0",
  ];
  t.is((await runCli(["--weights", weights, ...stated])).status, 0);
  t.is((await runCli(["--strict", "--limit", "10", "--threads", "0"])).status, 0);
});

test("a configuration file and a suite of checks can be strict, and a suite's entry can be not", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "w.npz"), encodeNpz(NETWORK, "float64"));
  await writeFile(join(folder, "batchwise.config.json"), JSON.stringify({ weights: "w.npz", strict: true }));
  const configured = await runCli(["--threads", "0", "--limit", "10"], { cwd: folder });
  t.is(configured.status, 3);
  t.regex(configured.stderr, /ERR_ASSUMED/);
  const entry = { weights: "w.npz", limit: 10 };
  const suite = {
    strict: true,
    evaluations: [
      { name: "a", ...entry },
      { name: "b", strict: false, ...entry },
    ],
  };
  await writeFile(join(folder, "checks.json"), JSON.stringify(suite));
  const checked = await runCli(["check", join(folder, "checks.json"), "--format", "json", "--threads", "0"]);
  t.is(checked.status, 3);
  const { checks } = JSON.parse(checked.stdout);
  t.is(checks[0].error.code, "ERR_ASSUMED");
  t.is(checks[1].status, "passed");
  t.is(checks[1].evaluation.assumptions.length, 2);
});

test("a merge names what any part assumed, and --strict refuses results that rest on it", async (t) => {
  const weights = await written(t, "w.npz", encodeNpz(NETWORK, "float64"));
  const folder = await temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  const run = (...args: string[]) =>
    runCli(["--weights", weights, "--limit", "200", "--threads", "0", "--quiet", ...args]);
  await run("--shard", "1/2", "--activation", "sigmoid", "--normalize", "scale", "--output", path("1.json"));
  await run("--shard", "2/2", "--output", path("2.json"));
  const { stdout, stderr } = await runCli(["merge", path("1.json"), path("2.json"), "--format", "json"]);
  t.is(JSON.parse(stdout).assumptions.length, 2);
  t.regex(stderr, /^assumed: sigmoid between layers, pixels ÷ 255/);
  await run("--output", path("all.json"), "--predictions", path("all.ndjson"));
  const compared = await runCli(["compare", path("all.json"), path("all.json"), "--strict"]);
  t.is(compared.status, 3, compared.stderr);
  t.regex(compared.stderr, /ERR_ASSUMED/);
});

test("a line of assumptions counts what each file leaves open", (t) => {
  const of = (source: string, what: string, option: string | null) =>
    ({ subject: "pixels", source, what, option }) as const;
  t.is(assumedText([of("a", "x", "--x")]), "x (a does not state it); set --x");
  t.is(assumedText([of("a", "x", null)]), "x (a does not state it); no option states it");
  t.is(
    assumedText([of("a", "x", "--x"), of("b", "w", "--w"), of("a", "y", "--x"), of("a", "z", null)]),
    "x, y, z (a states none of them); w (b does not state it); set --x, --w; no option states z",
  );
});
