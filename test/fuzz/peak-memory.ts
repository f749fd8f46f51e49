/** The most resident memory that this process had, from Linux; elsewhere what it has at the time. */
import { readFileSync, writeFileSync } from "node:fs";
import { memoryUsage, platform } from "node:process";

const onLinux = platform === "linux";

/** Lets the peak begin anew, and tells what it begins at. */
export function resetPeak(): number {
  // "To reset the peak resident set size ("high water mark"), write 5" (Linux, Documentation/filesystems/proc.rst).
  if (onLinux) writeFileSync("/proc/self/clear_refs", "5");
  return memoryUsage.rss();
}

export function peakBytes(): number {
  if (!onLinux) return memoryUsage.rss();
  const found = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return 1024 * Number(found?.[1]);
}
