/** Known files of PyTorch: ZIPs since 1.6, pickles before, whole modules, TorchScript. */
import { type Outline, outlinePickle, type PickleOutline } from "#src/files/formats/pickle-outline.js";
import { torchName } from "#src/files/formats/torch/values.js";
import type { FileHead } from "./file-head.js";
import { otherLayers } from "./keras-files.js";
import {
  type Candidate,
  exampleInput,
  exported,
  exportOnnx,
  type KnownFile,
  networkFile,
  pixelBytes,
  pixelsCheck,
  python,
  TRUSTED,
  WITH_ACTIVATION,
} from "./known-file.js";

/** Magic number of a legacy file, as a LONG1 (torch/serialization.py, MAGIC_NUMBER). */
const MAGIC_NUMBER = "1950a86a20f9469cfc6c";
/** Pickles before the object: the magic number, the protocol and facts of the system. */
const LEGACY_PREFIXES = 3;
/** Layers that are not dense, by the names of their classes and functions. */
const NOT_DENSE = /conv|norm|pool|rnn|lstm|gru|embedding|attention|transformer/i;
const CALL_EXPORT = `torch.onnx.export(model.eval(), ${exampleInput()}, 'out.onnx')`;
/** Exports the module `m`. Its first weights have the number of channels, or of all inputs. */
const EXPORT_MODULE =
  "p=next(p for p in m.parameters() if p.dim()>1); torch.onnx.export(m,torch.zeros(1,p.shape[1],*(ROWS,COLUMNS)[:p.dim()-2]),'out.onnx')";
const WITH_SIZE = "with the size of its images for ROWS and COLUMNS,";
const WITH_ONNX = "and give --weights out.onnx --engine onnx";
/** Converts to float32, because NumPy has no bfloat16. */
const TO_NUMPY = "{k:v.float().numpy() for k,v in s.items()}";

const isZip = ({ names }: FileHead) => names.some((name) => /^[^/]+\/data\.pkl$/.test(name));
const isScript = (head: FileHead) =>
  isZip(head) && head.names.some((name) => /^[^/]+\/(code\/|constants\.pkl$)/.test(name));
const isLegacy = ({ pickle }: FileHead) =>
  pickle?.value?.kind === "long" && pickle.value.hex.replace(/^0+/, "") === MAGIC_NUMBER;

/** Outline of what `torch.load` returns. */
function loaded(head: FileHead): PickleOutline | undefined {
  if (!isLegacy(head)) return isZip(head) ? head.pickle : undefined;
  let outline = head.pickle;
  for (let count = 0; count < LEGACY_PREFIXES; count += 1) {
    outline = outlinePickle(head.content, outline?.endBytes);
  }
  return outline;
}

interface StateDict {
  /** Python index from what `torch.load` returns: `['model_state_dict']`, or empty. */
  readonly access: string;
  readonly tensors: ReadonlyMap<string, readonly number[]>;
}

/** Returns the dict itself, or the first dict in it that holds tensors. */
function stateDictOf(head: FileHead): StateDict | undefined {
  const value = loaded(head)?.value;
  if (value?.kind !== "dict") return undefined;
  const inner = [...value.entries].filter(([key]) => /^[\w.]+$/.test(key));
  for (const [access, dict] of [
    ["", value] as const,
    ...inner.map(([key, item]) => [`['${key}']`, item] as const),
  ]) {
    const tensors = tensorsOf(dict);
    if (tensors.size > 0) return { access, tensors };
  }
  return undefined;
}

function tensorsOf(value: Outline): Map<string, readonly number[]> {
  const entries = value.kind === "dict" ? [...value.entries] : [];
  return new Map(
    entries.flatMap(([key, item]) =>
      item.kind === "tensor" && item.shape !== undefined ? [[key, item.shape]] : [],
    ),
  );
}

const version = (head: FileHead) => (isLegacy(head) ? " of PyTorch before 1.6" : "");

const stateDict: KnownFile = {
  name: "a PyTorch state dict",
  recognizes: (head) => stateDictOf(head) !== undefined,
  describe: ({ head }) => {
    const dict = stateDictOf(head);
    const others = dict && otherLayers(dict.tensors);
    const where = dict?.access ? `, under ${dict.access.slice(1, -1)}` : "";
    return `a PyTorch state dict${version(head)}${where}${others ? `, with ${others}` : ""}`;
  },
  nextStep: ({ head, path }) => {
    const globals = loaded(head)?.globals ?? [];
    if (globals.every(isRead)) return exportOnnx(stateDictOf(head)?.tensors.values() ?? []);
    // Objects of other classes beside the tensors are refused. The tensors alone are read.
    const access = stateDictOf(head)?.access ?? "";
    const code = `import torch; torch.save(torch.load(FILE,map_location='cpu',weights_only=False)${access},'out.pt')`;
    return `run ${python(path, code)}${TRUSTED} and give --weights out.pt`;
  },
};

/** True for a name that the reader of PyTorch files knows: `argparse.Namespace`. */
function isRead(name: string): boolean {
  const at = name.lastIndexOf(".");
  return torchName(name.slice(0, at), name.slice(at + 1)) !== undefined;
}

const script: KnownFile = {
  name: "a TorchScript model",
  recognizes: isScript,
  nextStep: ({ head, path }) => {
    const load = "import torch,numpy as np; m=torch.jit.load(FILE,map_location='cpu').eval();";
    if (!NOT_DENSE.test(head.code ?? "")) {
      return exported(path, `${load} s=m.state_dict(); np.savez('out.npz',**${TO_NUMPY})`, WITH_ACTIVATION);
    }
    const code = `${load} ${EXPORT_MODULE}`;
    return `run ${python(path, code)} ${WITH_SIZE} ${WITH_ONNX}`;
  },
};

const wholeModule: KnownFile = {
  name: "a whole PyTorch module",
  recognizes: (head) => loaded(head)?.value?.kind === "object",
  describe: ({ head }) => `a whole PyTorch module${version(head)}, of the class ${moduleName(head)}`,
  nextStep: (file) => {
    const classes = loaded(file.head)?.globals ?? [];
    const isDense = !classes.some((name) => name.startsWith("torch.nn.") && NOT_DENSE.test(name));
    if (!moduleName(file.head).startsWith("torch.nn.")) {
      const line = isDense
        ? "torch.save(model.state_dict(), 'out.pt'), and give --weights out.pt"
        : `${CALL_EXPORT}, ${WITH_ONNX}`;
      return `only the program that has its class can load it: there, call ${line}`;
    }
    // A module of PyTorch's that is not read has parts whose effect no state dict states.
    const load = "import torch; m=torch.load(FILE,map_location='cpu',weights_only=False).eval();";
    const code = `${load} ${EXPORT_MODULE}`;
    return `run ${python(file.path, code)}${TRUSTED} ${WITH_SIZE} ${WITH_ONNX}`;
  },
};

const moduleName = (head: FileHead): string => {
  const value = loaded(head)?.value;
  return value?.kind === "object" ? value.name : "";
};

/** torchvision's `processed/test.pt`, a tuple of images and labels. */
const imageTensors: KnownFile = {
  name: "a PyTorch file of image tensors",
  recognizes: (head) => {
    const value = loaded(head)?.value;
    return value?.kind === "tuple" && value.items[0]?.kind === "tensor";
  },
  nextStep: (file) =>
    tensorSet(
      file,
      `import torch,numpy as np; x,y=torch.load(FILE)[:2]; x=x.numpy()${pixelsCheck("x")}`,
      `${pixelBytes("x")},y_SPLIT=y.numpy()`,
    ),
};

function tensorSet({ path, use, split }: Candidate, load: string, arrays: string): string {
  if (use === "weights") return "these are images, not weights: give the network to --weights";
  const named = arrays.replace("y_SPLIT", `y_${split}`);
  return `run ${python(path, `${load}; np.savez('out.npz',x_${split}=${named})`)} and give --dataset out.npz`;
}

const otherTorch: KnownFile = {
  name: "a PyTorch file",
  recognizes: (head) => isZip(head) || isLegacy(head),
  nextStep: () =>
    `in the program that made it, call torch.save(model.state_dict(), 'out.pt') or ${CALL_EXPORT}`,
};

export const TORCH_FILES: readonly KnownFile[] = [
  networkFile(script),
  networkFile(stateDict),
  networkFile(wholeModule),
  imageTensors,
  networkFile(otherTorch),
];
