/** Licence notices of packages whose code is copied into a bundle: MIT, ISC, BSD and Apache ask that they go with it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const COPYRIGHT = /^\W*(?:\(c\)|copyright\b).*$/i;

interface Notice {
  /** `name version (licence)`. */
  readonly title: string;
  readonly copyright: readonly string[];
  /** The licence without the lines of copyright, which are all that differs between packages of one licence. */
  readonly terms: string;
}

/** Folders of the packages that hold the modules, sorted. */
export function packageFolders(moduleIds: readonly string[]): string[] {
  const folders = moduleIds.flatMap((id) => PACKAGE.exec(id.replaceAll("\\", "/"))?.[1] ?? []);
  return [...new Set(folders)].sort();
}

/**
 * Text of all notices: for each licence its packages with their copyright, then its terms once. Empty without packages.
 *
 * @throws Error if a package has no licence file
 */
export function noticesOf(folders: readonly string[]): string {
  const byTerms = new Map<string, Notice[]>();
  for (const notice of folders.map(noticeOf)) {
    // Lines are broken in other places, and quotes differ.
    const key = notice.terms
      .replace(/[\W_]+/g, " ")
      .trim()
      .toLowerCase();
    byTerms.set(key, [...(byTerms.get(key) ?? []), notice]);
  }
  return [...byTerms.values()]
    .map((notices) => {
      const packages = notices.map(({ title, copyright }) =>
        [title, ...copyright.map((line) => `  ${line}`)].join("\n"),
      );
      return `${packages.join("\n")}\n\n${notices[0]?.terms}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

function noticeOf(folder: string): Notice {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file));
  if (files.length === 0)
    throw new Error(`${folder}: expected a licence file, found none; add its text here`);
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split(/\r?\n/));
  const copyright = lines.filter((line) => COPYRIGHT.test(line)).map((line) => line.trim());
  const terms = lines.filter((line) => !COPYRIGHT.test(line)).join("\n");
  return {
    title: `${name} ${version} (${license})`,
    copyright,
    terms: terms.replace(/\n{3,}/g, "\n\n").trim(),
  };
}
