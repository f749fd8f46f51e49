/** How a text answer is painted; without colour, not at all. */

export interface Paint {
  /** A cell of the confusion matrix, on its diagonal where `isRight`; `strength` is above 0 and at most 1. */
  heat(text: string, strength: number, isRight: boolean): string;
  strong(text: string): string;
  faint(text: string): string;
}

export const plainPaint: Paint = {
  heat: (text) => text,
  strong: (text) => text,
  faint: (text) => text,
};
