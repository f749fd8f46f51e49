/** Tables within one test. */
import type { ExecutionContext } from "ava";

/** Runs one case of a table. A failure is logged with the case's name, because assertions print only values. */
export async function inCase(t: ExecutionContext, name: string, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    t.log(`failed in the case: ${name}`);
    throw error;
  }
}
