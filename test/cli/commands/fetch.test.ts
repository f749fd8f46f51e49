/** `batchwise fetch`, and names that download themselves, as a script sees them. No test leaves 127.0.0.1. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ERROR_CODES, type ErrorCode, TransferError } from "#src/base/errors.js";
import { openDataset } from "#src/data/registry.js";
import { CATALOG } from "#src/files/catalog.js";
import { loadNetwork } from "#src/networks/registry.js";
import { type CliOptions, runCli, signalledWhen, spawnCli } from "../../helpers/cli.js";
import { type Answer, inStep, serve, startMirror, startProxy, status } from "../../helpers/mirror.js";
import { mnist, needs } from "../../helpers/require.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const withMnist = needs("mnist", mnist !== undefined);
const MNIST_FILES = CATALOG.get("mnist")?.files ?? [];
/** Any network that is at hand. */
const WEIGHTS = "fixtures/pickles/numpy1-protocol3-f4-c.pkl";
const TEST_FILES = MNIST_FILES.slice(0, 2);

/** A cache of its own, and a proxy that keeps requests to the public mirrors on this machine, and refuses them. */
async function setting(t: ExecutionContext, answer: Answer) {
  const cache = await temporaryFolder(t);
  const mirror = await startMirror(t, answer);
  const proxy = await startProxy(t, 403);
  const address = proxy.url("anna:geheim");
  const env = {
    BATCHWISE_CACHE_DIR: cache,
    BATCHWISE_MIRROR: "",
    HTTP_PROXY: address,
    HTTPS_PROXY: address,
    http_proxy: address,
    https_proxy: address,
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  };
  return { cache, mirror, proxy, env, url: mirror.url.href };
}

async function refuses(t: ExecutionContext, args: readonly string[], code: ErrorCode, options: CliOptions) {
  const { status, stdout, stderr } = await runCli(["--quiet", ...args], options);
  t.is(status, ERROR_CODES[code].status, stderr);
  t.regex(stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
  t.notRegex(stderr, /geheim/);
  t.is(stdout, "");
  return stderr;
}

/** The files that BATCHWISE_MNIST_DIR has, by their names. */
const serveFolder: Answer = async (request, response, n) => {
  const path = join(mnist ?? "", basename(request.url ?? ""));
  const answer = existsSync(path) ? serve(await readFile(path)) : status(404);
  answer(request, response, n);
};

test("refuses wrong bytes with status 5, tells every mirror's reason, and leaves no file", async (t) => {
  const [images] = TEST_FILES;
  const { cache, env, url, mirror } = await setting(t, serve(new Uint8Array(images?.bytes ?? 0)));
  const stderr = await refuses(t, ["fetch", "mnist", "--mirror", url], "ERR_TRANSFER_FAILED", { env });
  t.regex(stderr, new RegExp(`${url}mnist/: expected SHA-256 ${images?.sha256}, found [0-9a-f]{64};`));
  t.regex(stderr, /https:\/\/ossci-datasets\.s3\.amazonaws\.com\/mnist\/: the proxy answered 403;/);
  t.deepEqual(await readdir(join(cache, "mnist")), []);
  t.is(mirror.seen.length, 1);
});

test("keeps the proxy's password out of the log, too", async (t) => {
  const { env, url } = await setting(t, status(404));
  const { status: exit, stderr } = await spawnCli(
    ["fetch", "mnist", "--mirror", url.replace("//", "//otto:hemlig@"), "--log-level", "trace"],
    { env },
  );
  t.is(exit, 5);
  t.regex(stderr, /a mirror failed/);
  t.notRegex(stderr, /anna|geheim|otto|hemlig/);
});

test("suggests a name, and refuses options that make no sense", async (t) => {
  const { env, mirror } = await setting(t, status(404));
  t.regex(await refuses(t, ["fetch", "mnits"], "ERR_OPTION_UNKNOWN", { env }), /did you mean "mnist"\?/);
  t.regex(
    await refuses(t, ["fetch", "imagenet"], "ERR_OPTION_UNKNOWN", { env }),
    /expected one of mnist, fashion-mnist, kmnist, qmnist, emnist-digits, .+, cifar10, book/,
  );
  await refuses(t, ["fetch", "mnist", "--mirror", "nowhere"], "ERR_OPTION_VALUE", { env });
  await refuses(t, ["fetch", "mnist", "--timeout", "0"], "ERR_OPTION_VALUE", { env });
  await refuses(t, ["fetch"], "ERR_USAGE", { env });
  t.is(mirror.seen.length, 0);
});

test("gives a silent mirror no more than --timeout", async (t) => {
  const { env, url } = await setting(t, () => {});
  const stderr = await refuses(
    t,
    ["fetch", "book", "--mirror", url, "--timeout", "0.1"],
    "ERR_TRANSFER_FAILED",
    { env },
  );
  t.regex(stderr, /no data for 0\.1 s/);
});

test("offline refuses each command what is not in the cache, and asks nobody", async (t) => {
  const { env, mirror, proxy, url } = await setting(t, status(404));
  const offline: CliOptions = { env: { ...env, BATCHWISE_MIRROR: url } };
  for (const args of [
    ["--offline", "--dataset", "mnist", "--weights", WEIGHTS],
    ["--offline", "--weights", "book"],
    ["predict", "drawing.png", "--offline", "--weights", "book"],
    ["show", "0", "--offline", "--dataset", "kmnist", "--weights", WEIGHTS],
    ["inspect", "--offline", "--dataset", "fashion-mnist", "--split", "train", "--weights", WEIGHTS],
  ]) {
    const stderr = await refuses(t, args, "ERR_TRANSFER_OFFLINE", offline);
    t.regex(stderr, /run "batchwise fetch (mnist|book|kmnist|fashion-mnist)"/);
  }
  t.is(mirror.seen.length + proxy.asked.length, 0);
});

test("ends with status 130 at SIGINT, and leaves nothing", async (t) => {
  const [images] = TEST_FILES;
  const { cache, env, url } = await setting(t, (_, response) => {
    response.writeHead(200, { "content-length": images?.bytes });
    response.write(new Uint8Array(70_000));
  });
  // The notice that a download begins comes before its first byte: wait for the bytes.
  const interrupted = signalledWhen("SIGINT", async () => {
    const folder = join(cache, "mnist");
    const [name] = await readdir(folder).catch(() => []);
    return name !== undefined && (await readFile(join(folder, name))).length >= 70_000;
  });
  const { status: exit, stderr } = await runCli(["--dataset", "mnist", "--weights", WEIGHTS], {
    env: { ...env, BATCHWISE_MIRROR: url },
    ...interrupted,
  });
  t.is(exit, 130, stderr);
  const [notice, fault] = stderr.split("\n");
  t.is(notice, `downloading mnist to ${join(cache, "mnist")}: 2 files, 1,653,419 bytes`);
  t.regex(
    fault ?? "",
    /^batchwise: ERR_TRANSFER_INTERRUPTED: .* interrupted after 70,000 of 1,648,877 bytes; /,
  );
  t.deepEqual(await readdir(join(cache, "mnist")), []);
});

withMnist(
  "fetches the test files, refuses the repacked training images, and goes on the next time",
  async (t) => {
    const { cache, env, url } = await setting(t, serveFolder);
    const folder = join(cache, "mnist");
    const first = await runCli(["fetch", "mnist", "--mirror", url], { env });
    t.is(first.status, 5);
    t.is(first.stdout, "");
    const [images, labels, fault] = first.stderr.split("\n");
    t.is(images, `t10k-images-idx3-ubyte.gz: downloaded 1,648,877 bytes from ${url}mnist/, verified`);
    t.is(labels, `t10k-labels-idx1-ubyte.gz: downloaded 4,542 bytes from ${url}mnist/, verified`);
    t.regex(
      fault ?? "",
      /ERR_TRANSFER_FAILED: train-images-idx3-ubyte\.gz: .*expected 9,912,422 bytes, found 9,630,610/,
    );
    t.deepEqual(
      await readdir(folder),
      TEST_FILES.map(({ name }) => name),
    );

    const second = await runCli(["fetch", "mnist", "--mirror", url], { env });
    t.is(
      second.stderr.split("\n")[0],
      "t10k-images-idx3-ubyte.gz: already in the cache, 1,648,877 bytes, verified",
    );
  },
);

test("weights that were changed in the cache, and kept their size, are not evaluated", async (t) => {
  const cache = await temporaryFolder(t);
  await mkdir(join(cache, "book"));
  const [file] = CATALOG.get("book")?.files ?? [];
  await writeFile(join(cache, "book", "sample_weight.pkl"), Buffer.alloc(file?.bytes ?? 0));
  const env = { BATCHWISE_CACHE_DIR: cache };
  const stderr = await refuses(t, ["--offline", "--weights", "book"], "ERR_TRANSFER_OFFLINE", { env });
  t.regex(stderr, /run "batchwise fetch book"/);
});

withMnist("fetches the book's network and prints its path", async (t) => {
  const { cache, env, url } = await setting(t, serveFolder);
  const {
    status: exit,
    stdout,
    stderr,
  } = await runCli(["fetch", "book", "--mirror", url, "--quiet"], { env });
  t.is(exit, 0);
  t.is(stdout, `${join(cache, "book", "sample_weight.pkl")}\n`);
  t.is(stderr, "");
});

withMnist("evaluates the book's network on MNIST by their names, then again offline", async (t) => {
  const { env, mirror, url } = await setting(t, serveFolder);
  const args = ["--dataset", "mnist", "--weights", "book", "--threads", "2"];
  const first = await runCli(args, { env: { ...env, BATCHWISE_MIRROR: url } });
  t.is(first.status, 0, first.stderr);
  t.regex(first.stdout, /\nAccuracy : 0\.9352\n$/);
  t.is(first.stderr.match(/^downloading /gm)?.length, 2);
  t.is(mirror.seen.length, 3);

  const second = await runCli([...args, "--offline"], { env });
  t.is(second.status, 0, second.stderr);
  t.notRegex(second.stderr, /downloading/);
  t.is(mirror.seen.length, 3);
});

withMnist("two processes fetch the same file at once, and both have it", async (t) => {
  const bytes = await readFile(join(mnist ?? "", "sample_weight.pkl"));
  const { cache, env, url, mirror } = await setting(t, inStep(2, 100_000, bytes));
  const fetching = () => spawnCli(["fetch", "book", "--mirror", url, "--quiet"], { env });
  const results = await Promise.all([fetching(), fetching()]);
  const path = join(cache, "book", "sample_weight.pkl");
  for (const result of results) t.deepEqual(result, { status: 0, stdout: `${path}\n`, stderr: "" });
  t.is(mirror.seen.length, 2);
  t.deepEqual(await readdir(join(cache, "book")), ["sample_weight.pkl"]);
  t.true((await readFile(path)).equals(bytes));
});

test.serial("refuses the same to a program that opens names offline", async (t) => {
  const before = process.env.BATCHWISE_CACHE_DIR;
  process.env.BATCHWISE_CACHE_DIR = await temporaryFolder(t);
  t.teardown(() => {
    if (before === undefined) delete process.env.BATCHWISE_CACHE_DIR;
    else process.env.BATCHWISE_CACHE_DIR = before;
  });
  for (const open of [
    () => openDataset({ dataset: "mnist", split: "train", offline: true }),
    () => loadNetwork("book", { offline: true }),
  ]) {
    await t.throwsAsync(open, { instanceOf: TransferError, code: "ERR_TRANSFER_OFFLINE" });
  }
});
