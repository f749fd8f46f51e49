/** One part of the soak in a process of its own, which does nothing else: who measures it does so from outside. */
import { argv } from "node:process";
import type { Message, Order } from "./part.js";
import { PARTS } from "./parts.js";

/** Progress is told no more often. */
const TELL_EVERY_MS = 100;

const order: Order = JSON.parse(argv[2] ?? "{}");
const part = PARTS.find(({ name }) => name === order.part);
if (part === undefined)
  throw new Error(`${order.part}: expected one of ${PARTS.map(({ name }) => name).join(", ")}`);
const { amount, folder, isSabotaged } = order;

const warnings: string[] = [];
process.on("warning", ({ message }) => void warnings.push(`warning: ${message}`));

const timeOver = new AbortController();
let toldAt = 0;
const problems = await part.run({
  amount,
  folder,
  isSabotaged,
  signal: timeOver.signal,
  began() {
    setTimeout(() => timeOver.abort(), 1000 * order.seconds).unref();
    tell({ kind: "began" });
  },
  done(count) {
    if (performance.now() - toldAt < TELL_EVERY_MS && count < amount) return;
    toldAt = performance.now();
    tell({ kind: "done", amount: count });
  },
});
tell({ kind: "ended", problems: [...problems, ...new Set(warnings)] });
// Whatever a part left behind now holds the process.
process.disconnect();

function tell(message: Message): void {
  process.send?.(message);
}
