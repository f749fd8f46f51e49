/** The process that reads mutants: started by supervise.ts, told what to do in its first argument. */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { attack } from "./attack.js";
import type { Message, Order } from "./report.js";
import { TARGETS } from "./targets.js";

/** Between two looks at the memory: so many that the looks cost little, so few that their garbage is small. */
const BATCH = 200;

const order: Order = JSON.parse(argv[2] ?? "");
const progress = Buffer.alloc(8);
const progressFile = openSync(order.progressPath, "w");

for (const [place, name] of order.readers.entries()) {
  const target = TARGETS.find((known) => known.name === name);
  if (target === undefined) throw new Error(`no reader is called "${name}"`);
  const on = {
    target,
    seed: order.seed,
    path: join(order.folder, "mutant"),
    onMutation(mutation: number) {
      progress.writeUInt32LE(place, 0);
      progress.writeUInt32LE(mutation, 4);
      writeSync(progressFile, progress, 0, progress.length, 0);
    },
  };
  for (let done = place === 0 ? order.firstMutation : 0; done < order.mutations; ) {
    const startMs = performance.now();
    const end = Math.min(order.mutations, done + BATCH);
    const findings = await attack(on, done, end);
    send({ ...findings, reader: name, done: end - done, elapsedMs: performance.now() - startMs });
    done = end;
  }
}
process.disconnect();

function send(message: Message): void {
  process.send?.(message);
}
