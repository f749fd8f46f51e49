/** Where the package stands on disk, for the files that it carries. */

/** Folder of package.json; this module is compiled to dist/src/base/ and bundled into dist/bundle/. */
export const PACKAGE_ROOT = new URL(
  import.meta.url.includes("/dist/bundle/") ? "../../" : "../../../",
  import.meta.url,
);
export const FIXTURES = new URL("fixtures/", PACKAGE_ROOT);
