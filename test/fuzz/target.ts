/** What the fuzzer knows of a reader: files that it reads, how they come apart, what it may say, and what a right answer is. */

/** A file in pieces, and how they are put together again with lengths and checksums that are right. */
export interface Pieces {
  readonly pieces: readonly Uint8Array[];
  pack(pieces: readonly Uint8Array[]): Uint8Array;
}

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Refused as it is: every other mutant is made of the seeds that are not, which gets it further into the reader. */
  readonly isMalformed?: true;
  /** Half of such a seed's mutations are made of its pieces: behind compression, checksums and lengths. */
  readonly inner?: Pieces;
}

export interface Target {
  readonly name: string;
  readonly seeds: readonly Seed[];
  /** What means something in the format, put into mutants; a text is one byte a character. */
  readonly words: readonly (string | Uint8Array)[];
  /** All codes that the reader's documentation names, and no others. */
  readonly codes: RegExp;
  /**
   * Reads a mutant, which also lies at `path` where the reader wants a file. Answers with what is wrong with the reader's
   * answer, or undefined for a right one; throws what the reader throws.
   */
  read(bytes: Uint8Array, path: string): Promise<string | undefined>;
  /** Whether mutants are written to `path`. */
  readonly onDisk: boolean;
}

/** The text in pieces, cut behind each match; a match is a piece of its own. */
export function textPieces(text: string, tokens: RegExp): Pieces {
  return {
    pieces: (text.match(tokens) ?? []).map((token) => Buffer.from(token)),
    pack: (pieces) => Buffer.concat(pieces),
  };
}

/** Texts, numbers, names and marks of JSON. */
export const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[-+.\w]+|\s+|[^\s\w]/g;

export const JSON_WORDS: Target["words"] = [
  '"__proto__":',
  '"constructor":{"prototype":0},',
  "null",
  "true",
  "-1",
  "0.5",
  "1e999",
  "9007199254740993",
  "{}",
  "[]",
  '""',
  '"\\u0000"',
  '"\\ud800"',
  "\u001b[31m",
  Buffer.from("\ufeff"),
  "[".repeat(2_000),
  "[".repeat(6_000) + "]".repeat(6_000),
  '{"a":'.repeat(500),
  "0".repeat(400),
];
