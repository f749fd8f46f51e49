/** SVG as text: elements, escaped, and the one style sheet that serves light and dark. */

/** The dark half follows the reader's system, also where the file stands in an <img>. */
export const STYLE = [
  "text{font:13px system-ui,sans-serif;fill:#1f2328;stroke:none}",
  ".title{font-size:17px;font-weight:600}",
  ".soft{fill:#59636e}.ground{fill:#fff}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}",
  "@media(prefers-color-scheme:dark){",
  "text{fill:#f0f6fc}.soft{fill:#9198a1}.ground{fill:#151b23}.grid{stroke:#3d444d}.axis{stroke:#9198a1}",
  "}",
].join("");

export type Attributes = Readonly<Record<string, string | number>>;

/** Children are written as they are: other elements, or text that went through `escaped`. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  const opening = `${name}${written.join("")}`;
  return children.length === 0 ? `<${opening}/>` : `<${opening}>${children.join("")}</${name}>`;
}

/** A line of text at its place. */
export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, [escaped(content)]);
}

export function solid(d: string): string {
  return element("path", { d, fill: "none", "stroke-width": 2 });
}

export function dashed(d: string, attributes: Attributes = {}): string {
  return element("path", { d, fill: "none", "stroke-dasharray": "2 4", ...attributes });
}

/** Numbers to a tenth of a pixel. */
function attributeText(value: string | number): string {
  return typeof value === "number" ? String(Math.round(value * 10) / 10) : escaped(value);
}

export function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
