/** The contract of a Runner, proved for each: this thread, a pool of workers, hosts over Redis. */
import test, { type ExecutionContext } from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { SILENT } from "#src/base/contracts/run.js";
import { evaluate, evaluateListened, LOCAL } from "#src/evaluate/evaluate.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { localRunners } from "#src/evaluate/local-runner.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import type { OpenRunner } from "#src/evaluate/runner.js";
import { openExecutor } from "#src/pool/registry.js";
import { openLink } from "#src/redis/link.js";
import { openRedisRunner } from "#src/redis/runner.js";
import { startHost } from "../helpers/hosts.js";
import { inCase } from "../helpers/in-case.js";
import { redisTest, sharedRedis } from "../helpers/redis.js";

/** By names, which hosts can open too. */
const INPUT: EvaluateInput = { offset: 40, limit: 3000, batchSize: 70, probabilities: true };

const redis = sharedRedis("sesame");

interface Kind {
  readonly open: OpenRunner;
  /** Options of `INPUT` that choose the runner. */
  readonly input: EvaluateInput;
}

/** What listeners were told, in order. */
function recorder(also: Listener = {}): { readonly told: string[]; readonly listener: Listener } {
  const told: string[] = [];
  const listener: Listener = {
    async begin(plan) {
      told.push(`begin ${plan.totalImages}`);
      await also.begin?.(plan);
    },
    progress(progress) {
      also.progress?.(progress);
    },
    async slab(slab) {
      told.push(`slab ${slab.firstImage} + ${slab.count}`);
      await also.slab?.(slab);
    },
    end: ({ result }) => {
      told.push(`end ${result.total}`);
      return { written: ["a file"] };
    },
    abort: (reason) => {
      told.push(`abort ${reason instanceof IncompleteError ? reason.partial.result.total : reason.message}`);
      return {};
    },
  };
  return { told, listener };
}

function run({ open, input }: Kind, listener: Listener, signal = new AbortController().signal) {
  return evaluateListened(new Map([[LOCAL, open]]), { ...INPUT, ...input }, [listener], { signal });
}

async function answersAsThisThread(t: ExecutionContext, kind: Kind): Promise<void> {
  const expected = await evaluate({ ...INPUT, threads: 0 });
  let [firstImage, done] = [40, 0];
  const { told, listener } = recorder({
    progress({ doneImages, totalImages }) {
      t.true(doneImages >= done && doneImages <= totalImages);
      done = doneImages;
    },
    slab({ firstImage: first, count, predictions, probabilities, ranking }) {
      t.is(first, firstImage);
      firstImage += count;
      const place = first - 40;
      t.deepEqual(predictions, expected.predictions.slice(place, place + count));
      t.deepEqual(probabilities, expected.probabilities?.slice(place * 10, (place + count) * 10));
      t.is(ranking?.[0], predictions[0]);
    },
  });
  const { evaluation, failure, written, faults } = await run(kind, listener);
  t.deepEqual([failure, written, faults], [undefined, ["a file"], []]);
  t.deepEqual(evaluation.result, expected.result);
  t.deepEqual(evaluation.predictions, expected.predictions);
  t.deepEqual(evaluation.probabilities, expected.probabilities);
  t.deepEqual([firstImage, done], [3040, 3000]);
  t.deepEqual([told[0], told.at(-1)], ["begin 3000", "end 3000"]);
  t.is(
    evaluation.run.batches,
    evaluation.run.batchesByThread.reduce((a, b) => a + b),
  );
}

async function keepsWhatWasDone(t: ExecutionContext, kind: Kind): Promise<void> {
  const stop = new AbortController();
  const { told, listener } = recorder({
    progress: ({ doneImages }) => void (doneImages >= 300 && stop.abort("SIGINT")),
  });
  const { evaluation, failure } = await run(kind, listener, stop.signal);
  t.is(failure?.code, "ERR_INTERRUPTED");
  const { total, complete } = evaluation.result;
  t.true(total >= 300 && total < 3000 && !complete, `${total}`);
  t.deepEqual(told.at(-1), `abort ${total}`);
}

async function endsWithItsListener(t: ExecutionContext, kind: Kind): Promise<void> {
  const { told, listener } = recorder({
    begin() {
      throw new Error("enough");
    },
  });
  await t.throwsAsync(run(kind, listener), { message: "enough" });
  t.deepEqual(told, ["begin 3000", "abort enough"]);
}

async function refusesBadInput(t: ExecutionContext, { open, input }: Kind): Promise<void> {
  const { told, listener } = recorder();
  const away = run({ open, input: { ...input, weights: "/is/not/there.npz" } }, listener);
  await t.throwsAsync(away, { code: "ERR_NETWORK_UNKNOWN" });
  t.is(told.length, 1);
}

async function proveAll(t: ExecutionContext, name: string, kind: Kind): Promise<void> {
  for (const prove of [answersAsThisThread, keepsWhatWasDone, endsWithItsListener, refusesBadInput]) {
    await inCase(t, `${name}: ${prove.name}`, () => prove(t, kind));
  }
}

test("this thread and a pool keep the contract of a runner", async (t) => {
  const open = localRunners(openExecutor);
  await proveAll(t, "this thread", { open, input: { threads: 0 } });
  await proveAll(t, "a pool", { open, input: { threads: 2 } });
});

redisTest("hosts over Redis keep the contract of a runner", async (t) => {
  const { url } = await redis();
  startHost(t, url, { delayMs: 20 });
  startHost(t, url, { delayMs: 20 });
  const options = { jobImages: 140, patienceMs: 60_000 };
  const open: OpenRunner = async (input, { signal }) =>
    openRedisRunner(await openLink(url, SILENT), input, options, signal);
  await proveAll(t, "hosts", { open, input: {} });
});
