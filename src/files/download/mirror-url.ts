/** URLs of mirrors: how they are made, and how they may be shown. */
import { UsageError } from "#src/base/errors.js";

/** The folder of a mirror that the user named; its entries stand in folders of their own, as in the cache. */
export function userMirror(option: string, base: string, entryName: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !isHttp(url)) {
    throw new UsageError("ERR_OPTION_VALUE", {
      option,
      expected: "an http or https URL",
      found: withoutCredentials(base),
    });
  }
  return below(url, `${entryName}/`);
}

/** The URL of a file in a mirror's folder; a query, which may be a token of access, stays behind it. */
export function below(folder: URL, name: string): URL {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${name}`;
  return url;
}

export function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** A URL without its name, password, query and fragment, all of which may be secret. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Any text without what stands between `//` and `@`, and without what looks like a query. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/\S*@/g, "//").replace(/\?\S*/g, "");
}
