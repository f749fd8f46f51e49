/** Memory that stays level over runs of any length. */
import { setFlagsFromString } from "node:v8";

/**
 * V8 doubles a thread's young generation whenever as much as it holds has survived in it, however long that took: over
 * millions of images by some 20 MB, without need. From now on all threads keep theirs as large as they are. It is a flag
 * of the whole process, so that the command line may set it and the library not.
 */
export function keepYoungGenerations(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
