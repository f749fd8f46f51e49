/** Fingerprints, and the slices they are taken in. */
import { createHash } from "node:crypto";
import test from "ava";
import { sha256Of, slices } from "#src/files/read-file.js";

test("hashes files one behind the other", async (t) => {
  // FIPS 180-2, appendix B.1: the digest of "abc".
  const files = [Buffer.from("a"), Buffer.from("bc")];
  t.is(await sha256Of(files), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("hashes a file of several slices whole", async (t) => {
  const bytes = new Uint8Array(9 * 2 ** 20).fill(5);
  t.is(await sha256Of([bytes]), createHash("sha256").update(bytes).digest("hex"));
});

test("gives the event loop a turn between slices", async (t) => {
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  t.teardown(() => clearInterval(counter));
  let count = 0;
  for await (const slice of slices(new Uint8Array(64 * 2 ** 20))) {
    t.true(slice.length <= 4 * 2 ** 20);
    // Timers fire after a millisecond at the earliest.
    const until = performance.now() + 2;
    while (performance.now() < until);
    count++;
  }
  t.is(count, 16);
  t.true(turns >= 10, `${turns} turns`);
});
