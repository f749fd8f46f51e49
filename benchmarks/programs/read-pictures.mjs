/** Reads all pixels of a folder of pictures, and prints what that took: `node read-pictures.mjs FOLDER`. */
import { argv, cpuUsage, resourceUsage } from "node:process";
import { crc32 } from "node:zlib";
import { openDataset } from "../../dist/src/index.js";

const beganAt = performance.now();
const before = cpuUsage();
const set = await openDataset({ dataset: argv[2], split: "test" });
const stream = set.slabs({ offset: 0, limit: set.facts.total }, { multiple: 100, lanes: 1 });
let crc = 0;
for await (const slab of stream) {
  crc = crc32(slab.pixels, crc);
  stream.release(slab);
}
const elapsedMs = performance.now() - beganAt;
const { user, system } = cpuUsage(before);
const peakRssMb = resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ elapsedMs, cpuMs: (user + system) / 1000, peakRssMb, crc }));
