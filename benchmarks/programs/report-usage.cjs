/** Preloaded into a command: at its end, what it used, as JSON on file descriptor 3. */
const { writeSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

if (isMainThread) {
  process.on("exit", () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    writeSync(3, JSON.stringify({ peakRssKib: maxRSS, cpuMs: (userCPUTime + systemCPUTime) / 1000 }));
  });
}
