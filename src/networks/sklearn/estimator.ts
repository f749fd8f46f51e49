/** An object of scikit-learn: its attributes as numbers and lists, and its classes. */
import { NetworkError } from "#src/base/errors.js";
import { isUint8Array } from "#src/base/realm.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import type { ArrayDecoder } from "#src/files/formats/pickle/decode.js";
import {
  EncodedText,
  kindOf,
  PickledArray,
  type PickledDtype,
  PickledList,
  PickledTuple,
  type PickledValue,
} from "#src/files/formats/pickle/values.js";
import { SklearnObject } from "#src/files/formats/sklearn/vocabulary.js";

/** What a user can do with another estimator. */
const EXPORT = "export the model by skl2onnx.to_onnx, and use --engine onnx";

/** Attributes of an object, with the errors about them. */
export class Estimator {
  readonly type: string;
  readonly #path: string;
  readonly #object: SklearnObject;
  readonly #arrays: ArrayDecoder;

  constructor(path: string, object: SklearnObject, arrays: ArrayDecoder) {
    this.type = object.type;
    this.#path = path;
    this.#object = object;
    this.#arrays = arrays;
  }

  /** Value of an attribute; a number, text or truth value of NumPy as Python's own. @throws NetworkError ERR_ARRAY_* */
  get(name: string): PickledValue | undefined {
    const value = this.#object.attributes.get(name);
    return value === undefined ? undefined : this.#plain(name, value);
  }

  /** Whether an option is set, as Python decides. @throws NetworkError ERR_NETWORK_LAYER */
  isTrue(name: string, byDefault: boolean): boolean {
    const value = this.get(name);
    if (value === undefined) return byDefault;
    if (value === null || typeof value === "boolean" || typeof value === "number") return Boolean(value);
    throw this.fault(name, "True or False", kindOf(value));
  }

  /** Numbers of an attribute; a single number is an array without axes. @throws NetworkError ERR_NETWORK_LAYER, ERR_ARRAY_* */
  array(name: string, value = this.get(name)): NamedArray {
    if (typeof value === "number") return { shape: [], data: Float64Array.of(value) };
    if (value instanceof PickledArray) return this.#arrays.decode(`${this.type}.${name}`, value);
    const next = value === undefined ? "fit the model before it is saved" : undefined;
    throw this.fault(name, "numbers, as fit makes them", kindOf(value), next);
  }

  /** @throws NetworkError ERR_NETWORK_LAYER */
  items(name: string): readonly PickledValue[] {
    const value = this.get(name);
    if (value instanceof PickledList || value instanceof PickledTuple) {
      return value.items.map((item) => this.#plain(name, item));
    }
    throw this.fault(name, "a list", kindOf(value));
  }

  #plain(name: string, value: PickledValue): PickledValue {
    if (!(value instanceof PickledArray) || value.state?.shape.length !== 0) return value;
    const { dtype, payload } = value.state;
    if (/^[fiu]/.test(dtype.name)) return this.array(name, value).data[0] ?? value;
    const bytes = bytesOf(payload);
    if (dtype.name === "b1" && bytes !== undefined) return bytes.some((byte) => byte !== 0);
    return (bytes && textsIn(dtype, 1, bytes)?.[0]) ?? value;
  }

  fault(attribute: string, expected: string, found: string, next = EXPORT): NetworkError {
    const layer = `${this.type}.${attribute}`;
    return new NetworkError("ERR_NETWORK_LAYER", { path: this.#path, layer, expected, found, next });
  }
}

/** Classes in the order of the outputs: whole numbers, which are labels, or names. */
export type Classes =
  | { readonly labels: readonly number[]; readonly names?: undefined }
  | { readonly names: readonly string[]; readonly labels?: undefined };

/** Largest label. */
const MAX_LABEL = 65_534;
const MAX_NAME = 1_000;

/**
 * `classes_`, in ascending order, as NumPy's unique sorts them.
 *
 * @throws NetworkError ERR_NETWORK_LAYER unless there is one class per output, each once
 */
export function classesOf(classifier: Estimator, outputs: number): Classes {
  const fault = (found: string) =>
    classifier.fault(
      "classes_",
      `${outputs} different texts, or labels from 0 to ${MAX_LABEL}`,
      found,
      RELABEL,
    );
  const binarizer = classifier.get("_label_binarizer");
  const value =
    classifier.get("classes_") ??
    (binarizer instanceof SklearnObject ? binarizer.attributes.get("classes_") : undefined);
  const found = valuesIn(value) ?? (value === undefined ? [] : [...classifier.array("classes_", value).data]);
  if (found.length !== outputs || new Set(found).size !== outputs) throw fault(`${found.length} classes`);
  const labels = found.flatMap((one) => (typeof one === "number" ? [one] : []));
  const names = found.flatMap((one) => (typeof one === "string" ? [one] : []));
  if (names.length === outputs) return { names };
  const wrong = labels.find((label) => !Number.isInteger(label) || label < 0 || label > MAX_LABEL);
  if (labels.length !== outputs) throw fault("texts and numbers");
  if (wrong !== undefined) throw fault(`the class ${wrong}`);
  return { labels };
}

const RELABEL = "train it with labels from 0 on, as the data set has them";

/** Texts, truth values, or objects of a list; undefined for an array of numbers. */
function valuesIn(value: PickledValue | undefined): (string | number)[] | undefined {
  if (!(value instanceof PickledArray) || value.state === undefined) return undefined;
  const { dtype, payload, shape } = value.state;
  if (shape.length !== 1) return undefined;
  if (/^O\d*$/.test(dtype.name) && payload instanceof PickledList) {
    return payload.items.flatMap((item) => {
      if (typeof item === "boolean") return [Number(item)];
      return typeof item === "string" || typeof item === "number" ? [item] : [];
    });
  }
  const bytes = bytesOf(payload);
  if (bytes === undefined) return undefined;
  if (dtype.name === "b1") return [...bytes].map((byte) => Number(byte !== 0));
  return textsIn(dtype, shape[0] ?? 0, bytes);
}

function bytesOf(payload: PickledValue): Buffer | undefined {
  if (isUint8Array(payload)) return Buffer.from(payload);
  const text = payload instanceof EncodedText ? payload.text : payload;
  return typeof text === "string" ? Buffer.from(text, "latin1") : undefined;
}

/** Texts padded with zeros to equal length: characters of four bytes (U), or bytes (S). */
function textsIn(dtype: PickledDtype, count: number, bytes: Buffer): string[] | undefined {
  const [, kind, size] = /^([US])(\d{1,4})$/.exec(dtype.name) ?? [];
  const unitBytes = kind === "U" ? 4 : 1;
  const units = Number(size);
  if (kind === undefined || units > MAX_NAME || bytes.length !== count * units * unitBytes) return undefined;
  const isLittle = dtype.byteOrder !== ">";
  return Array.from({ length: count }, (_, index) => {
    const points = Array.from({ length: units }, (__, unit) => {
      const at = (index * units + unit) * unitBytes;
      if (unitBytes === 1) return bytes[at]!;
      return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    });
    const end = points.findLastIndex((point) => point !== 0) + 1;
    return points
      .slice(0, end)
      .map((point) => (point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd"))
      .join("");
  });
}
