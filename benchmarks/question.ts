/** What a benchmark is: one question, asked in rounds, answered in tables. */

export interface Section {
  readonly title: string;
  /** Markdown. */
  readonly table: string;
  /** The same with every sample, for the JSON. */
  readonly data: unknown;
}

/** What a question gets from its runner. */
export interface Bench {
  readonly rounds: number;
  /** A sentence above the tables: what was proven, on what data. */
  note(sentence: string): void;
  /** A rival that cannot run here is left out aloud. */
  skip(rival: string, reason: string): void;
  /** Versions to be named beside the machine. */
  uses(name: string, version: string): void;
}

export interface Question {
  /** The question itself. */
  readonly asks: string;
  /** So many fit in its share of the time that all questions may take. */
  readonly rounds: number;
  answer(bench: Bench): Promise<Section[]>;
}
