/**
 * Faults of the file system for the files below one folder: node's own functions are replaced in this process, and
 * `syncBuiltinESMExports` gives the replacements to all imports. The code under test has no hook for it.
 */
import fs from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

type Call = (this: unknown, ...args: unknown[]) => unknown;
type Functions = Record<string, Call>;

const MESSAGES = {
  EIO: "i/o error",
  EMFILE: "too many open files",
  ENOSPC: "no space left on device",
  EACCES: "permission denied",
};
type Code = keyof typeof MESSAGES;

/** Codes with which each call fails. */
const FAILURES: Readonly<Record<string, readonly Code[]>> = {
  open: ["EMFILE", "EACCES", "EIO"],
  read: ["EIO"],
  write: ["EIO", "ENOSPC"],
  stat: ["EIO"],
  sync: ["EIO"],
  datasync: ["EIO"],
  truncate: ["EIO"],
  close: ["EIO"],
  rename: ["EIO", "ENOSPC"],
  readFile: ["EIO"],
};

export interface FsFaults {
  /** From now on each call for a file of the folder fails, is cut short or comes late with the probability. */
  arm(random: () => number, probability: number, only?: readonly string[]): void;
  disarm(): void;
  /** What was injected, by kind. */
  readonly injected: Map<string, number>;
}

/** Replaces the functions once for the process. */
export async function replaceFs(folder: string): Promise<FsFaults> {
  const injected = new Map<string, number>();
  let random: (() => number) | undefined;
  let probability = 0;
  let only: readonly string[] | undefined;
  /** Handles and descriptors of files of the folder. */
  const handles = new WeakSet<object>();
  const descriptors = new Set<number>();

  const isOurs = (path: unknown) => typeof path === "string" && path.startsWith(folder);
  const count = (kind: string) => injected.set(kind, (injected.get(kind) ?? 0) + 1);
  /** What happens to a call: nothing, or one of the faults that it can have. */
  function drawn(call: string): "none" | "late" | "short" | Error {
    if (random === undefined || only?.includes(call) === false || random() >= probability) return "none";
    const isCut = call === "read" || call === "write";
    const kind = Math.floor(random() * (isCut ? 3 : 2));
    if (kind === 1) {
      count(`${call} comes late`);
      return "late";
    }
    if (kind === 2) return "short";
    const codes = FAILURES[call] ?? ["EIO"];
    const code = codes[Math.floor(random() * codes.length)]!;
    count(`${call} fails with ${code}`);
    const error = new Error(`${code}: ${MESSAGES[code]}, ${call}`);
    return Object.assign(error, { code, errno: -5, syscall: call });
  }
  const late = async () => {
    await sleep(Math.floor((random?.() ?? 0) * 4));
  };
  /** read and write (buffer, offset, length, …): a smaller length. Undefined if there is no smaller one. */
  function cut(call: string, args: readonly unknown[]): unknown[] | undefined {
    const [buffer, offset = 0, length] = args;
    const whole =
      typeof length === "number"
        ? length
        : ArrayBuffer.isView(buffer)
          ? buffer.byteLength - Number(offset)
          : 0;
    if (whole < 2 || typeof offset !== "number") return undefined;
    count(`${call} is short`);
    const less = 1 + Math.floor((random?.() ?? 0) * (whole - 1));
    return [buffer, offset, less, ...args.slice(3)];
  }

  const promises = fs.promises as unknown as Functions;
  for (const call of ["stat", "rename", "readFile"]) {
    const original = promises[call]!;
    promises[call] = async function (...args) {
      const fault = isOurs(args[0]) ? drawn(call) : "none";
      if (fault === "late") await late();
      else if (fault !== "none" && fault !== "short") throw fault;
      return original.apply(this, args);
    };
  }
  const openOriginal = promises.open!;
  promises.open = async function (...args) {
    const fault = isOurs(args[0]) ? drawn("open") : "none";
    if (fault === "late") await late();
    else if (fault !== "none" && fault !== "short") throw fault;
    const handle = (await openOriginal.apply(this, args)) as FileHandle;
    if (isOurs(args[0])) handles.add(handle);
    return handle;
  };

  const probe = await open(new URL(import.meta.url), "r");
  const prototype: Functions = Object.getPrototypeOf(probe);
  await probe.close();
  for (const call of ["read", "write", "stat", "sync", "datasync", "truncate", "close", "readFile"]) {
    const original = prototype[call]!;
    prototype[call] = async function (...args) {
      const fault = handles.has(this as object) ? drawn(call) : "none";
      if (fault === "none") return original.apply(this, args);
      if (fault === "late") await late();
      else if (fault === "short") return original.apply(this, cut(call, args) ?? args);
      else {
        // A close that fails has closed the file all the same.
        if (call === "close") await original.apply(this, args);
        throw fault;
      }
      return original.apply(this, args);
    };
  }

  const plain = fs as unknown as Functions;
  for (const [call, kind] of [
    ["openSync", "open"],
    ["statSync", "stat"],
    ["fstatSync", "stat"],
  ] as const) {
    const original = plain[call]!;
    plain[call] = function (...args) {
      const fault = isOurs(args[0]) || descriptors.has(args[0] as number) ? drawn(kind) : "none";
      if (typeof fault === "object") throw fault;
      const result = original.apply(this, args);
      if (call === "openSync" && isOurs(args[0])) descriptors.add(Number(result));
      return result;
    };
  }
  const readOriginal = plain.read!;
  plain.read = function (...args) {
    const fault = descriptors.has(Number(args[0])) ? drawn("read") : "none";
    const done = args.at(-1) as (error: Error) => void;
    if (typeof fault === "object") return void setImmediate(done, fault);
    const shorter = fault === "short" ? cut("read", args.slice(1)) : undefined;
    const call = () => readOriginal.apply(this, shorter === undefined ? args : [args[0], ...shorter]);
    return fault === "late" ? void late().then(call) : call();
  };
  // `promisify` reads from a symbol how the callback's values are named.
  for (const symbol of Object.getOwnPropertySymbols(readOriginal)) {
    Object.defineProperty(plain.read, symbol, Object.getOwnPropertyDescriptor(readOriginal, symbol)!);
  }
  const closeOriginal = plain.close!;
  plain.close = function (...args) {
    descriptors.delete(Number(args[0]));
    return closeOriginal.apply(this, args);
  };
  const closeSyncOriginal = plain.closeSync!;
  plain.closeSync = function (...args) {
    descriptors.delete(Number(args[0]));
    return closeSyncOriginal.apply(this, args);
  };
  syncBuiltinESMExports();

  return {
    injected,
    arm(uniform, share, calls) {
      random = uniform;
      probability = share;
      only = calls;
    },
    disarm() {
      random = undefined;
    },
  };
}
