/** Interface to onnxruntime-node, an optional peer of about 290 MB. */
import { asError, NetworkError, RunError } from "#src/base/errors.js";
import { codeOf, isUint16Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { decodeElements } from "#src/files/formats/arrays.js";

/** A variable, so that TypeScript does not need the package at build time. */
const PEER: string = "onnxruntime-node";
const LONGEST_REASON = 300;

export type TensorData = Float32Array | Float64Array | Uint16Array | Uint8Array;

/** Tensor. `data` of float16 are its bits as u16, or a Float16Array if JavaScript has one. */
export interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Metadata of an input or output. A dimension of any size is a text; an unknown shape is empty. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

export interface Session {
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  run(
    feeds: Readonly<Record<string, RuntimeTensor>>,
    fetches: readonly string[],
  ): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

export interface Runtime {
  readonly Tensor: new (type: string, data: TensorData, dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
}

/** One thread per session, because each worker has its own. Faults are thrown, so they are not printed too. */
const SESSION_OPTIONS = {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  interOpNumThreads: 1,
  intraOpNumThreads: 1,
  logSeverityLevel: 4,
} as const;

/** Loads the package. @throws RunError ERR_ENGINE_PEER if it is absent or cannot be loaded */
export async function loadRuntime(): Promise<Runtime> {
  try {
    return await import(PEER);
  } catch (cause) {
    const absent = codeOf(cause) === "ERR_MODULE_NOT_FOUND";
    const found = absent ? "none" : `one that cannot be loaded: ${runtimeReason(cause)}`;
    throw new RunError("ERR_ENGINE_PEER", { engine: "onnx", peer: PEER, found }, { cause });
  }
}

/** Opens a session. `path` is for messages. @throws NetworkError ERR_ONNX_RUNTIME if the runtime rejects the model */
export async function openSession(
  { InferenceSession }: Runtime,
  path: string,
  bytes: Uint8Array,
): Promise<Session> {
  try {
    // Copied out of shared memory, which the runtime rejects. It makes its own copy and releases this one.
    return await InferenceSession.create(Uint8Array.from(bytes), SESSION_OPTIONS);
  } catch (cause) {
    throw refusal(path, cause);
  }
}

/** Returns the elements of a tensor, row-major. */
export function numbersOf({ data }: RuntimeTensor): ArrayLike<number> {
  if (!isUint16Array(data)) return data;
  return decodeElements(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), "float16", true);
}

export function refusal(path: string, cause: unknown): NetworkError {
  return new NetworkError("ERR_ONNX_RUNTIME", { path, reason: runtimeReason(cause) }, { cause });
}

/** Reason of the runtime on one line. It may quote names of the model. */
function runtimeReason(error: unknown): string {
  return printable(asError(error).message.trim().replace(/\s+/g, " "), LONGEST_REASON);
}
