/** The fuzzer finds what is planted: a reader with a fault of each kind is told of. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpuUsage, platform } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import test, { type ExecutionContext } from "ava";
import { FileError } from "#src/base/errors.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { attack } from "./attack.js";
import type { FaultKind, Findings } from "./report.js";
import type { Target } from "./target.js";

// As the fuzzer's own process is started: what the batch left behind must not count against one mutant.
setFlagsFromString("--expose-gc");
globalThis.gc = runInNewContext("gc");

const MEGABYTE = 2 ** 20;
const PATH = "planted";

/** One mutant, read by a reader that does this. */
async function attackOnce(
  t: ExecutionContext,
  read: Target["read"],
  more: Partial<Target> = {},
): Promise<Findings> {
  const target: Target = {
    name: "planted",
    seeds: [{ name: "seed", bytes: Buffer.from("some bytes") }],
    words: ["word"],
    codes: /^ERR_FILE_READ$/,
    onDisk: false,
    read,
    ...more,
  };
  const path = join(await temporaryFolder(t), "mutant");
  return attack({ target, seed: 1, path, onMutation() {} }, 0, 1);
}

const refuse = (reason: string) => () =>
  Promise.reject(new FileError("ERR_FILE_READ", { path: PATH, reason }));

const FAULTS: Readonly<Record<FaultKind, Target["read"] | undefined>> = {
  "not an error of ours": () => Promise.reject(new TypeError("x is undefined")),
  "a code that is not documented": () => Promise.reject(new FileError("ERR_FILE_EMPTY", { path: PATH })),
  "a message of several lines": refuse("one\ntwo"),
  "a wrong answer": async () => "it is wrong",
  slow: async () => {
    // Work, not waiting: on a busy machine the two are not the same.
    const before = cpuUsage();
    while (cpuUsage(before).user < 120_000);
    return undefined;
  },
  memory: platform === "linux" ? () => refuse(`${Buffer.alloc(70 * MEGABYTE, 1).length}`)() : undefined,
  // Faults of the whole process are reported by supervise.ts.
  crash: undefined,
  hang: undefined,
};

test.serial("reports each kind of fault of a reader", async (t) => {
  for (const [kind, read] of Object.entries(FAULTS)) {
    if (read === undefined) continue;
    await inCase(t, `tells of a reader's fault: ${kind}`, async () => {
      const { faults } = await attackOnce(t, read);
      // Some machines take long to fill the memory of that fault.
      const told = faults.filter(({ kind: found }) => kind !== "memory" || found !== "slow");
      t.deepEqual(
        told.map(({ reader, mutation, kind: found }) => [reader, mutation, found]),
        [["planted", 0, kind]],
      );
    });
  }
});

test.serial("finds no fault in a reader that refuses in one line, or reads right", async (t) => {
  t.deepEqual((await attackOnce(t, refuse("no reason"))).outcomes, { ERR_FILE_READ: 1 });
  const { faults, outcomes } = await attackOnce(t, async () => undefined);
  t.deepEqual([faults, outcomes], [[], { read: 1 }]);
});

test.serial("reads a slow mutant again, and takes its fastest time", async (t) => {
  let reads = 0;
  const { faults } = await attackOnce(t, async () => {
    reads += 1;
    const endMs = performance.now() + (reads === 1 ? 110 : 0);
    while (performance.now() < endMs);
    return undefined;
  });
  t.deepEqual(faults, []);
  t.is(reads, 2);
});

test.serial("lays the mutant on disk for a reader of files", async (t) => {
  const { outcomes } = await attackOnce(
    t,
    async (bytes, path) => {
      writeFileSync(path, bytes, { flag: "r+" });
      return undefined;
    },
    { onDisk: true },
  );
  t.deepEqual(outcomes, { read: 1 });
});
