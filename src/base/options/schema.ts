/** Schemas of options in JSON files, made from the option table. */
import * as z from "zod";
import type { OptionRow, OptionRows, OptionType, ParsedOf } from "./define.js";
import { helpOf } from "./table.js";
import { expectedOf } from "./values.js";

/** What a JSON file holds for an option: numbers as numbers. */
export type JsonOf<Type> = Type extends { kind: "digits" } ? number : ParsedOf<Type>;

/** Makes the message of a value that is not what the option expects. */
export type Message = (expected: string, found: unknown) => string;

type Shape<Rows extends OptionRows> = {
  readonly [Key in keyof Rows]: z.ZodOptional<z.ZodType<JsonOf<Rows[Key]["type"]>>>;
};

/** Returns the properties of an object of options, none of which is required. */
export function optionsShape<Rows extends OptionRows>(rows: Rows, message: Message): Shape<Rows> {
  const entries = Object.entries<OptionRow>(rows).map(([key, row]) => [
    key,
    schemaOf(row.type, message).describe(helpOf(row)).optional(),
  ]);
  return Object.fromEntries(entries);
}

function schemaOf(type: OptionType, message: Message): z.ZodType {
  const error = (issue: { readonly input?: unknown }) => message(expectedOf(type), issue.input);
  switch (type.kind) {
    case "flag":
      return z.boolean({ error });
    case "word":
      return z.enum(type.words, { error });
    case "each": {
      const word = z.enum(type.words, { error });
      return z.union([word, z.array(word, { error }).min(1, { error })], { error });
    }
    case "whole": {
      const [low, high] = type.limits;
      return z.int({ error }).min(low, { error }).max(high, { error });
    }
    case "decimal":
    case "digits": {
      const [low, high] = type.limits;
      return z.number({ error }).min(low, { error }).max(high, { error });
    }
    case "decimals": {
      const [low, high] = type.limits;
      const number = z.number({ error }).min(low, { error }).max(high, { error });
      return z.union([number, z.array(number, { error }).min(1, { error })], { error });
    }
    case "paths":
    case "texts":
      return z.array(schemaOf({ kind: "text" }, message), { error });
    case "datasets": {
      const text = z.string({ error }).min(1, { error });
      return z.union([text, z.array(text, { error }).min(1, { error })], { error });
    }
    case "labels":
      return z.union([z.string().min(1), z.literal(false)], { error });
    default:
      return z.string({ error }).min(1, { error });
  }
}
