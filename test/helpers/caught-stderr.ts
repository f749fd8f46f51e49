/** Standard error of a command that runs in the test's own process. */
import process from "node:process";

/** Result of the work, with what it wrote to standard error, which does not appear there. */
export async function caughtStderr<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly said: string }> {
  let said = "";
  const { write } = process.stderr;
  process.stderr.write = (text: string | Uint8Array) => {
    said += text;
    return true;
  };
  try {
    return { result: await work(), said };
  } finally {
    process.stderr.write = write;
  }
}
