/** Packages that are not installed with Batchwise, and what they are good for. */
import { QUEUE_INSTALL_COMMAND } from "#src/base/errors/queue-codes.js";
import { onnxInstallCommand } from "#src/base/errors/run-codes.js";
import { installedVersion } from "#src/base/version.js";
import type { Check } from "./check.js";

export interface OptionalPart {
  readonly name: string;
  readonly purpose: string;
  readonly install: string;
}

export const ONNX_PART: OptionalPart = {
  name: "onnxruntime-node",
  purpose: "for --engine onnx",
  install: onnxInstallCommand("onnxruntime-node"),
};

const REDIS_PURPOSE = "for work on many machines";
export const OPTIONAL_PARTS: readonly OptionalPart[] = [
  ONNX_PART,
  { name: "bullmq", purpose: REDIS_PURPOSE, install: QUEUE_INSTALL_COMMAND },
  { name: "ioredis", purpose: REDIS_PURPOSE, install: QUEUE_INSTALL_COMMAND },
];

export function isInstalled({ name }: OptionalPart): boolean {
  return installedVersion(name) !== undefined;
}

export function checkPart({ name, purpose, install }: OptionalPart): Check {
  const version = installedVersion(name);
  return version === undefined
    ? { name, state: "absent", found: `not installed, ${purpose}`, advice: install }
    : { name, state: "ok", found: `${version}, ${purpose}` };
}
