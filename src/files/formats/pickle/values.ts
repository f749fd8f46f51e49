/** What can lie on the stack of the pickle machine: plain data, and stand-ins for NumPy's objects that do nothing. */

export type PickledValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | EncodedText
  | PickledTuple
  | PickledList
  | PickledDict
  | PickledGlobal
  | PickledDtype
  | PickledArray;

/** A map, so that a key named `__proto__` is a key like any other. */
export type PickledDict = Map<string, PickledValue>;

export class PickledTuple {
  readonly items: readonly PickledValue[];

  constructor(items: readonly PickledValue[]) {
    this.items = items;
  }
}

export class PickledList {
  readonly items: PickledValue[] = [];
}

/** What a name of the allow-list stands for. */
export type GlobalKind = "ndarray" | "dtype" | "reconstruct" | "frombuffer" | "encode";

export class PickledGlobal {
  readonly kind: GlobalKind;

  constructor(kind: GlobalKind) {
    this.kind = kind;
  }
}

/** Bytes that protocols 0 to 2 write as a text, one character a byte. They are kept as the text until they are
 * elements, so that a pickle that encodes one text a thousand times gains nothing. */
export class EncodedText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class PickledDtype {
  /** Kind and size, as NumPy writes them: `f4`. */
  readonly name: string;
  /** Set by BUILD; `undefined` before. */
  byteOrder: string | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

export interface ArrayState {
  readonly shape: readonly number[];
  readonly dtype: PickledDtype;
  /** `C` (row-major) or `F` (Fortran); NumPy has others, which readers of weights refuse. */
  readonly order: string;
  readonly payload: PickledValue;
}

export class PickledArray {
  /** Set by BUILD, or at once by `_frombuffer`; `undefined` before. */
  state: ArrayState | undefined;
}

/** What a value is, for messages. */
export function kindOf(value: PickledValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value === "boolean") return "a truth value";
  if (typeof value === "number") return "a number";
  if (typeof value === "string") return "a text";
  if (value instanceof Uint8Array || value instanceof EncodedText) return "bytes";
  if (value instanceof PickledTuple) return "a tuple";
  if (value instanceof PickledList) return "a list";
  if (value instanceof Map) return "a dict";
  if (value instanceof PickledDtype) return "a dtype";
  return value instanceof PickledArray ? "an array" : `the name numpy ${value.kind}`;
}
