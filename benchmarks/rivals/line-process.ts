/** A rival in a process of its own that lives as long as the benchmark: a line of JSON in, a line of JSON out. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface LineProcess {
  /** Throws where the process has ended, or never began. */
  ask(request: object): Promise<unknown>;
  close(): Promise<void>;
}

export interface LineProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Not to be heard where its end is an answer too. */
  readonly stderr?: "ignore" | "inherit";
}

export function openLineProcess(
  command: string,
  args: readonly string[],
  { env = {}, stderr = "inherit" }: LineProcessOptions = {},
): LineProcess {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", stderr],
  });
  const ended = once(child, "close").catch(() => {});
  // A process that is gone shows in its answers' end.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ended without an answer`);
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
