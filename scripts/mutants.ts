/** Mutants of a JavaScript file: one operator changed in each, found with TypeScript's parser. */
import ts from "typescript";

export interface Mutant {
  /** From 1, in the file that was compiled. */
  readonly line: number;
  /** `< → <=`. */
  readonly change: string;
  /** The line as it was. */
  readonly source: string;
  /** The whole file, changed. */
  readonly text: string;
}

/** Each a change of meaning that a test should notice: bounds by one, signs, both ways of a decision. */
const BINARY: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
  [ts.SyntaxKind.AsteriskToken, "/"],
  [ts.SyntaxKind.PlusEqualsToken, "-="],
  [ts.SyntaxKind.MinusEqualsToken, "+="],
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
]);

/** @param within names of functions whose bodies alone are changed; without it, the whole file's */
export function mutantsOf(text: string, within?: readonly string[]): Mutant[] {
  const file = ts.createSourceFile("mutated.js", text, ts.ScriptTarget.ES2023, true, ts.ScriptKind.JS);
  const mutants: Mutant[] = [];
  const replace = (node: ts.Node, replacement: string) => {
    const [start, end] = [node.getStart(file), node.getEnd()];
    const { line } = file.getLineAndCharacterOfPosition(start);
    mutants.push({
      line: line + 1,
      change: `${text.slice(start, end)} → ${replacement || "nothing"}`,
      source: text.split("\n")[line]!.trim(),
      text: text.slice(0, start) + replacement + text.slice(end),
    });
  };
  const visit = (node: ts.Node, isInside: boolean): void => {
    const inside =
      isInside || (ts.isFunctionDeclaration(node) && within?.includes(node.name?.text ?? "") === true);
    if (inside) mutate(node, replace);
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(file, within === undefined);
  return mutants;
}

function mutate(node: ts.Node, replace: (node: ts.Node, replacement: string) => void): void {
  if (ts.isBinaryExpression(node)) {
    const replacement = BINARY.get(node.operatorToken.kind);
    if (replacement !== undefined) replace(node.operatorToken, replacement);
  } else if (ts.isPostfixUnaryExpression(node)) {
    const name = node.operand.getText();
    replace(node, node.operator === ts.SyntaxKind.PlusPlusToken ? `${name}--` : `${name}++`);
  } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    replace(node, node.operand.getText());
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) {
    replace(node, "false");
  } else if (node.kind === ts.SyntaxKind.FalseKeyword) {
    replace(node, "true");
  } else if (ts.isContinueStatement(node) || ts.isBreakStatement(node)) {
    replace(node, ";");
  }
}
