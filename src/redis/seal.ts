/** Signatures of messages through Redis, by a secret that coordinator and hosts share. */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { env, platform } from "node:process";
import { RunError, reasonOf } from "#src/base/errors.js";

/** Environment variable with the secret, or with the absolute path of a file that has it. */
export const SECRET_VARIABLE = "BATCHWISE_SECRET";
const LEAST_BYTES = 32;
const MOST_BYTES = 4096;
const OTHERS = 0o077;

/** Kind of a message. Each has a key of its own: a message of one kind never passes as another. */
export type Role = "spec" | "job" | "answer" | "presence" | "cancel";

/** What a message is about: its run, job, range, identity hash and nonce. Signed with the message. */
export type About = readonly (string | number)[];

/** A message that is not what it must be. It is skipped and named, and ends nothing. */
export class NonsenseError extends Error {}

export interface Seals {
  /** Whether messages are signed. */
  readonly areSigned: boolean;
  /** The message as it is sent: signature, full stop, text; without a secret the text alone. */
  seal(role: Role, about: About, text: string): string;
  /** The text of a message. @throws NonsenseError where it has no signature, or another than it must have */
  open(role: Role, about: About, sent: unknown): string;
}

const SIGNED = /^([0-9a-f]{64})\./;

/** Seals of messages; without a secret they are sent as they are. */
export function sealsOf(secret: Uint8Array | undefined): Seals {
  const keys = new Map<Role, Buffer>();
  const keyOf = (from: Uint8Array, role: Role): Buffer => {
    const known = keys.get(role) ?? Buffer.from(hkdfSync("sha256", from, "batchwise", `${role} 1`, 32));
    keys.set(role, known);
    return known;
  };
  /** The facts are JSON on a line of their own, so that no two messages sign the same bytes. */
  const sign = (from: Uint8Array, role: Role, about: About, text: string): Buffer =>
    createHmac("sha256", keyOf(from, role))
      .update(`${JSON.stringify(about)}\n`)
      .update(text)
      .digest();
  return {
    areSigned: secret !== undefined,
    seal(role, about, text) {
      return secret === undefined ? text : `${sign(secret, role, about, text).toString("hex")}.${text}`;
    },
    open(role, about, sent) {
      if (typeof sent !== "string") throw new NonsenseError(`expected a text, found ${typeof sent}`);
      const [head, digits] = SIGNED.exec(sent) ?? [];
      if (secret === undefined) {
        if (head === undefined) return sent;
        throw new NonsenseError(`expected no signature, found one; set ${SECRET_VARIABLE}`);
      }
      if (head === undefined || digits === undefined) {
        throw new NonsenseError(`expected a signature by ${SECRET_VARIABLE}, found none`);
      }
      const text = sent.slice(head.length);
      if (!timingSafeEqual(Buffer.from(digits, "hex"), sign(secret, role, about, text))) {
        throw new NonsenseError(`expected a signature by ${SECRET_VARIABLE}, found another`);
      }
      return text;
    },
  };
}

/**
 * Reads the secret; undefined where none is set. No message repeats it.
 *
 * @throws RunError ERR_SECRET where it is short, or its file cannot be read or is open to other users
 */
export async function readSecret(
  given: string | undefined = env[SECRET_VARIABLE],
): Promise<Uint8Array | undefined> {
  if (given === undefined || given === "") return undefined;
  const secret = given.startsWith("/") ? await secretIn(given) : Buffer.from(given);
  if (secret.length < LEAST_BYTES) {
    throw new RunError("ERR_SECRET", { expected: `${LEAST_BYTES} bytes or more`, found: `${secret.length}` });
  }
  return secret;
}

async function secretIn(path: string): Promise<Uint8Array> {
  const expected = "a secret, or the absolute path of its file with mode 600";
  // A pipe that no one writes to must not hold the start.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new RunError("ERR_SECRET", { expected, found: `a path that cannot be opened: ${reasonOf(error)}` });
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > MOST_BYTES) {
      throw new RunError("ERR_SECRET", { expected, found: `no file of at most ${MOST_BYTES} bytes` });
    }
    if (platform !== "win32" && (facts.mode & OTHERS) !== 0) {
      const mode = (facts.mode & 0o777).toString(8);
      throw new RunError("ERR_SECRET", {
        expected,
        found: `mode ${mode}, which other users can read or write`,
      });
    }
    return Buffer.from((await file.readFile("utf8")).trim());
  } finally {
    await file.close();
  }
}
