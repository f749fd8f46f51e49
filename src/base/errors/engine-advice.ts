/** The advice to use the engine `onnx`, in words that the command at work can follow. */
import { NetworkError } from "#src/base/errors.js";
import { OTHER_ENGINE } from "./onnx-codes.js";

/** What the known formats say once a model was exported. */
const GIVE_ONNX = "give --weights out.onnx --engine onnx";
/** Commands whose `--engine onnx` runs models that are no chain of fully connected layers. */
const WITH_ENGINE: ReadonlySet<string> = new Set(["evaluate", "compare", "diagnose"]);

/** The error, its advice changed where `command` has no such option, or has one that does not help. */
export function advisedFor(command: string, error: unknown): unknown {
  if (!(error instanceof NetworkError) || WITH_ENGINE.has(command)) return error;
  error.message = error.message
    .replace(OTHER_ENGINE, otherModels(command))
    .replace(
      GIVE_ONNX,
      command === "check" ? 'set "weights": "out.onnx", "engine": "onnx"' : "evaluate that",
    );
  return error;
}

function otherModels(command: string): string {
  switch (command) {
    case "check":
      return '"engine": "onnx" evaluates other models';
    case "convert":
      return "other models stay as they are, and convert writes --mean and --std into them";
    case "fit":
      return "fit reads fully connected layers alone: evaluate other models with the --mean and --std of their training";
    default:
      return `${command} reads fully connected layers alone, batchwise evaluate runs other models too`;
  }
}
