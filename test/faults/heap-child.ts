/** A run whose worker exhausts its heap once, in a process of little memory; prints the answer as JSON. */
import { evaluateWith } from "#src/evaluate/evaluate.js";
import { openFaulty } from "../helpers/faulty.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { HEAP_FAULT } from "../workers/faults.js";

const { result, run } = await evaluateWith(openFaulty(HEAP_FAULT, { times: 1 }), {
  dataset: randomDataset(1050),
  weights: randomNetwork([64, 12, 10]),
  threads: 2,
});
process.stdout.write(JSON.stringify({ result, retries: run.retries }));
