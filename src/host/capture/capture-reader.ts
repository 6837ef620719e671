import { isUnread, type Kernel, type Observed, type Unread } from "../../kernel/port.ts";
import type { CaptureEntry } from "../../kernel/port-capture.ts";

/** More than /proc/interrupts has on 512 processors. */
const FILE_LIMIT_BYTES = 32 * 1024 * 1024;
/** What was looked for and is not there, or is not held by the source, is no news. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ENODATA"]);

/** Reads a kernel's files and keeps what it read, by the path without links, and what it could not read. */
export class CaptureReader {
  readonly kernel: Kernel;
  readonly #entries = new Map<string, CaptureEntry>();
  readonly #unread = new Map<string, string>();
  readonly #presence = new Set<string>();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** What was kept; folders only where they would be empty otherwise. */
  entries(): CaptureEntry[] {
    const above = new Set<string>();
    for (const path of this.#entries.keys()) above.add(path.slice(0, path.lastIndexOf("/")));
    return [...this.#entries.values()].filter(({ kind, path }) => kind !== "folder" || !above.has(path));
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  paths(): string[] {
    return [...this.#entries.keys()];
  }

  /** What was there and could not be read, sorted by path. */
  get unread(): ReadonlyArray<{ readonly path: string; readonly errno: string }> {
    return [...this.#unread].map(([path, errno]) => ({ path, errno })).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** What is kept as an empty file because only its being there was looked at; `/*` for all names in a folder. */
  get presenceOnly(): readonly string[] {
    return [...this.#presence].sort();
  }

  /** Reads a file of sysfs or procfs and keeps it, once. */
  async file(path: string): Promise<void> {
    if (this.#entries.has(path)) return;
    const content = await this.kernel.read(path, FILE_LIMIT_BYTES);
    if (isUnread(content)) this.notRead(path, content);
    else this.#entries.set(path, { path, kind: "file", content });
  }

  async link(path: string): Promise<void> {
    const target = await this.kernel.readLink(path);
    if (isUnread(target)) this.notRead(path, target);
    else this.#entries.set(path, { path, kind: "link", target });
  }

  folder(path: string): void {
    if (!this.#entries.has(path)) this.#entries.set(path, { path, kind: "folder" });
  }

  folderIf(path: string, names: Observed<readonly string[]>): void {
    if (!isUnread(names)) this.folder(path);
  }

  /** Keeps that a file is there, without reading it. */
  presence(path: string): void {
    this.#presence.add(path);
    this.text(path, "");
  }

  text(path: string, text: string): void {
    this.#entries.set(path, { path, kind: "file", content: new TextEncoder().encode(text) });
  }

  /** Keeps the link at `path`, and gives where it leads; where there is no link, `path` itself. */
  async followed(path: string): Promise<string> {
    const target = await this.kernel.readLink(path);
    if (isUnread(target)) return path;
    this.#entries.set(path, { path, kind: "link", target });
    return join(path.slice(0, path.lastIndexOf("/")), target);
  }

  /** The names in a folder; none where it is not there or cannot be read. */
  async names(path: string): Promise<readonly string[]> {
    const names = await this.kernel.list(path);
    if (!isUnread(names)) return names;
    this.notRead(path, names);
    return [];
  }

  /** Keeps the names in a folder as empty files. */
  async namesOnly(path: string): Promise<void> {
    const names = await this.names(path);
    if (names.length > 0) this.#presence.add(`${path}/*`);
    for (const name of names) this.text(`${path}/${name}`, "");
  }

  notRead(path: string, { errno }: Unread): void {
    if (!ABSENT.has(errno)) this.#unread.set(path, errno);
  }
}

/** By the text alone: the folders that links in sysfs start from are no links. */
function join(folder: string, target: string): string {
  const names: string[] = [];
  for (const name of (target.startsWith("/") ? target : `${folder}/${target}`).split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
