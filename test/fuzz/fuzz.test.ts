/** Damaged at random, a file of any format is refused with a code, quickly and in little memory, or read right. */
import { env } from "node:process";
import test from "ava";
import { inCase } from "../helpers/in-case.js";
import { mutantOf } from "./mutate.js";
import { fuzz } from "./supervise.js";
import { TARGETS } from "./targets.js";

/** Mutations of each reader. CI asks for more. */
const MUTATIONS = Number(env.BATCHWISE_FUZZ_MUTATIONS ?? 150);
const SEED = 20_261_124;
const MINUTE_MS = 60_000;

/** In two processes side by side: the readers in even places, and the others. */
const campaigns = [0, 1].map((rest) => {
  const readers = TARGETS.map(({ name }) => name).filter((_, place) => place % 2 === rest);
  return fuzz({ readers, mutations: MUTATIONS, seed: SEED });
});

test("every reader withstands damaged files", async (t) => {
  t.timeout(10 * MINUTE_MS);
  for (const [place, { name }] of TARGETS.entries()) {
    await inCase(t, name, async () => {
      const { faults, outcomes, mutations } = (await campaigns[place % 2]!)[Math.floor(place / 2)]!;
      t.log(name, [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(", "));
      t.deepEqual(faults, []);
      t.is(mutations, MUTATIONS);
      // Damage that is always noticed, or never, would prove little.
      t.true((outcomes.get("read") ?? 0) > 0);
      t.true(outcomes.size > 1);
    });
  }
});

test("makes the same mutants again, and others for another seed", (t) => {
  for (const target of TARGETS) {
    const make = (seed: number) =>
      Buffer.concat(Array.from({ length: 20 }, (_, n) => mutantOf(target, seed, n).bytes));
    t.deepEqual(make(1), make(1), target.name);
    t.notDeepEqual(make(1), make(2), target.name);
  }
});
