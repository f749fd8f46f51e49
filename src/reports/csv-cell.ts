/** Text as a cell of CSV, safe for readers and for spreadsheets. */

/**
 * What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection": = + - @, tab, carriage return; also line
 * feed and the full-width forms).
 */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A cell of a text that others chose. Where it begins as a formula would, an apostrophe stands before it, as OWASP
 * advises; quoted by RFC 4180, section 2, rules 5 to 7.
 */
export function csvCell(text: string): string {
  const harmless = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) || harmless !== text ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
