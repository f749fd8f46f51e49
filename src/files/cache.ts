/** The folder of downloaded files: where the platform keeps caches, or where BATCHWISE_CACHE_DIR says. */
import { homedir } from "node:os";
import { posix, resolve, win32 } from "node:path";
import process from "node:process";

export const CACHE_VARIABLE = "BATCHWISE_CACHE_DIR";

export interface Platform {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly home: string;
}

/**
 * Absolute path of the cache folder, which need not exist yet:
 *
 * - anywhere: `$BATCHWISE_CACHE_DIR`, when set
 * - Windows: `%LOCALAPPDATA%\batchwise\Cache`
 * - macOS: `~/Library/Caches/batchwise`
 * - elsewhere: `$XDG_CACHE_HOME/batchwise`, or `~/.cache/batchwise` when that is unset, empty or relative: "All paths
 *   set in these environment variables must be absolute", others are to be ignored (XDG Base Directory Specification).
 */
export function cacheFolder({
  platform = process.platform,
  env = process.env,
  home = homedir(),
}: Partial<Platform> = {}): string {
  const chosen = env[CACHE_VARIABLE];
  if (chosen) return resolve(chosen);
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "batchwise", "Cache");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Caches", "batchwise");
  const xdg = env.XDG_CACHE_HOME ?? "";
  return posix.join(posix.isAbsolute(xdg) ? xdg : posix.join(home, ".cache"), "batchwise");
}
