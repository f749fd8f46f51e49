/** Catalog of data sets and networks for download: mirrors, and the published size and hash of each file. */

import { homedir } from "node:os";
import { posix, resolve, win32 } from "node:path";
import process from "node:process";
import type { Log } from "#src/base/contracts/run.js";

// Sizes and hashes: tensorflow/datasets, tensorflow_datasets/url_checksums/mnist.txt (pytorch/vision has only MD5).
const MNIST: CatalogEntry = {
  name: "mnist",
  mirrors: [
    // pytorch/vision, torchvision/datasets/mnist.py.
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    // tensorflow/datasets, url_checksums/mnist.txt.
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    // The README of the book's repository, WegraLee/deep-learning-from-scratch.
    "https://github.com/WegraLee/deep-learning-from-scratch/raw/master/dataset/",
  ],
  files: idxFiles({
    testImages: [1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"],
    testLabels: [4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"],
    trainImages: [9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"],
    trainLabels: [28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"],
  }),
};

// Sizes and hashes: tensorflow/datasets, url_checksums/fashion_mnist.txt; the same hashes in keras-team/keras,
// keras/src/datasets/fashion_mnist.py.
const FASHION_MNIST: CatalogEntry = {
  name: "fashion-mnist",
  mirrors: [
    // keras-team/keras, keras/src/datasets/fashion_mnist.py.
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    // The README of zalandoresearch/fashion-mnist: the set's own address, and its repository's data/fashion.
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
  ],
  files: idxFiles({
    testImages: [4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"],
    testLabels: [5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"],
    trainImages: [26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"],
    trainLabels: [29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"],
  }),
};

// Sizes and hashes: tensorflow/datasets, url_checksums/kmnist.txt; the same hashes in ankane/torchvision-ruby,
// lib/torchvision/datasets/kmnist.rb.
const KMNIST: CatalogEntry = {
  name: "kmnist",
  mirrors: [
    // One host is all that is published: by https in ankane/torchvision-ruby, by http in the README of
    // rois-codh/kmnist, for networks where its certificate does not pass.
    "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
  ],
  files: idxFiles({
    testImages: [3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"],
    testLabels: [5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"],
    trainImages: [18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"],
    trainLabels: [29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"],
  }),
};

// Sizes and hashes: tensorflow/datasets, url_checksums/qmnist.txt.
const QMNIST: CatalogEntry = {
  name: "qmnist",
  // tensorflow/datasets, url_checksums/qmnist.txt; pytorch/vision, torchvision/datasets/mnist.py.
  mirrors: ["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"],
  files: [
    {
      name: "qmnist-test-images-idx3-ubyte.gz",
      bytes: 9_742_279,
      sha256: "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375",
    },
    {
      name: "qmnist-test-labels-idx2-int.gz",
      bytes: 526_800,
      sha256: "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
    },
    {
      name: "qmnist-train-images-idx3-ubyte.gz",
      bytes: 9_704_059,
      sha256: "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
    },
    {
      name: "qmnist-train-labels-idx2-int.gz",
      bytes: 463_024,
      sha256: "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
    },
  ],
};

// Size and hash: tensorflow/datasets, url_checksums/emnist.txt. The six splits share one archive.
const EMNIST = ["digits", "letters", "balanced", "byclass", "bymerge", "mnist"].map(
  (split): CatalogEntry => ({
    name: `emnist-${split}`,
    folder: "emnist",
    isArchive: true,
    mirrors: [
      // pytorch/vision, torchvision/datasets/mnist.py; its former address in tensorflow/datasets.
      "https://biometrics.nist.gov/cs_links/EMNIST/",
      "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ],
    files: [
      {
        name: "gzip.zip",
        bytes: 561_753_746,
        sha256: "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
      },
    ],
  }),
);

// Size and hash: tensorflow/datasets, url_checksums/cifar10.txt.
const CIFAR10: CatalogEntry = {
  name: "cifar10",
  isArchive: true,
  mirrors: ["https://www.cs.toronto.edu/~kriz/"],
  files: [
    {
      name: "cifar-10-binary.tar.gz",
      bytes: 170_052_171,
      sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    },
  ],
};

const BOOK: CatalogEntry = {
  name: "book",
  mirrors: [
    "https://raw.githubusercontent.com/WegraLee/deep-learning-from-scratch/master/ch03/",
    // The Japanese original, which has the same file.
    "https://raw.githubusercontent.com/oreilly-japan/deep-learning-from-scratch/master/ch03/",
  ],
  files: [
    {
      name: "sample_weight.pkl",
      // Measured on the file with the hash below.
      bytes: 181_853,
      // yuweny1/C_Projects, src/setup/dlfs/chap3.rs, for commit 0dda3d1 of oreilly-japan/deep-learning-from-scratch.
      sha256: "b7f55a27988ba34c3777b0f1bbd464817c8a4db855723e6ff26f703501917a13",
    },
  ],
};

const BOOK_CHAPTER_7: CatalogEntry = {
  name: "book-ch07",
  mirrors: ["https://raw.githubusercontent.com/WegraLee/deep-learning-from-scratch/master/ch07/"],
  files: [
    {
      // SimpleConvNet. Size and hash are measured on the file that git names
      // 7497eed14ebfcebaaed98a9040170f6af080e21d in commit 4fafa71 of WegraLee/deep-learning-from-scratch.
      name: "params.pkl",
      bytes: 3_471_538,
      sha256: "290ab40c1b1218b392cdc155b633a5df642d829453702fa421ce5f3c6c55f779",
    },
  ],
};

const BOOK_CHAPTER_8: CatalogEntry = {
  name: "book-ch08",
  mirrors: ["https://raw.githubusercontent.com/WegraLee/deep-learning-from-scratch/master/ch08/"],
  files: [
    {
      // DeepConvNet. Size and hash are measured on the file that git names
      // 7be9d9e4050d2cc03dac6a0de6f8b606100ec7d8 in the same commit.
      name: "deep_convnet_params.pkl",
      bytes: 989_346,
      sha256: "8c81d1d6ddedd08c8277c957f3af30a91e455a1d65474ec2b5a0e3527b7422cc",
    },
  ],
};

export const DATASET_CATALOG = byName(MNIST, FASHION_MNIST, KMNIST, QMNIST, ...EMNIST, CIFAR10);
export const NETWORK_CATALOG = byName(BOOK, BOOK_CHAPTER_7, BOOK_CHAPTER_8);
export const CATALOG: ReadonlyMap<string, CatalogEntry> = new Map([...DATASET_CATALOG, ...NETWORK_CATALOG]);

type SizeAndHash = readonly [bytes: number, sha256: string];
type IdxFacts = { readonly [F in "testImages" | "testLabels" | "trainImages" | "trainLabels"]: SizeAndHash };

/** The four files of a set, under MNIST's names, which the later sets kept. */
function idxFiles({ testImages, testLabels, trainImages, trainLabels }: IdxFacts): RemoteFile[] {
  const file = (name: string, [bytes, sha256]: SizeAndHash) => ({ name, bytes, sha256 });
  return [
    file("t10k-images-idx3-ubyte.gz", testImages),
    file("t10k-labels-idx1-ubyte.gz", testLabels),
    file("train-images-idx3-ubyte.gz", trainImages),
    file("train-labels-idx1-ubyte.gz", trainLabels),
  ];
}

function byName(...entries: readonly CatalogEntry[]): ReadonlyMap<string, CatalogEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

export interface RemoteFile {
  readonly name: string;
  /** Exact size in bytes. A longer body is refused before its end. */
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** Files that are cached together. */
export interface CatalogEntry {
  readonly name: string;
  /** Folder in the cache and on a user's mirror; by default the name. Entries that share a file share the folder. */
  readonly folder?: string | undefined;
  /** Whether the one file is an archive, whose members are unpacked beside it. */
  readonly isArchive?: boolean | undefined;
  /** URLs of folders to try, in this order. A file's URL is the folder's URL and the file's name. */
  readonly mirrors: readonly string[];
  readonly files: readonly RemoteFile[];
}

/** Name of the entry's folder in the cache and on a user's mirror. */
export function folderOf({ name, folder = name }: CatalogEntry): string {
  return folder;
}

/** Files that will be downloaded. */
export interface DownloadNotice {
  /** Name of the entry, such as `mnist`. */
  readonly name: string;
  /** Number of files that are not in the cache. */
  readonly files: number;
  /** Total size in bytes. */
  readonly bytes: number;
  /** Folder in the cache for these files. */
  readonly folder: string;
}

/** Options for downloads that opening by name may need. */
export interface DownloadOptions {
  /** Forbids downloads: a file that is not in the cache is an error. */
  readonly offline?: boolean | undefined;
  /** Aborting ends the download at once. Nothing of the file is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Log for faults of mirrors. None by default. */
  readonly log?: Log | undefined;
  /** Called once, before the first request. */
  readonly onDownload?: ((notice: DownloadNotice) => void) | undefined;
}

/** Variable that names the folder for downloaded files. */
export const CACHE_VARIABLE = "BATCHWISE_CACHE_DIR";

export interface Platform {
  readonly platform: string;
  readonly env: Readonly<Readonly<Record<string, string | undefined>>>;
  readonly home: string;
}

/**
 * Absolute path of the cache folder, which need not exist yet:
 *
 * - anywhere: `$BATCHWISE_CACHE_DIR`, when set
 * - Windows: `%LOCALAPPDATA%\batchwise\Cache`
 * - macOS: `~/Library/Caches/batchwise`
 * - elsewhere: `$XDG_CACHE_HOME/batchwise`, or `~/.cache/batchwise` when that is unset, empty or relative: "All paths
 *   set in these environment variables must be absolute", others are ignored (XDG Base Directory Specification).
 */
export function cacheFolder({
  platform = process.platform,
  env = process.env,
  home = homedir(),
}: Partial<Platform> = {}): string {
  const chosen = env[CACHE_VARIABLE];
  if (chosen) return resolve(chosen);
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "batchwise", "Cache");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Caches", "batchwise");
  const xdg = env.XDG_CACHE_HOME ?? "";
  return posix.join(posix.isAbsolute(xdg) ? xdg : posix.join(home, ".cache"), "batchwise");
}
