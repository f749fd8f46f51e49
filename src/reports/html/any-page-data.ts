/** What a page is handed: its `kind` says which page it is. */
import type { ComparisonPageData } from "#src/reports/html/comparison/page-data.js";
import type { PageData } from "./page-data.js";

export type AnyPageData = PageData | ComparisonPageData;
