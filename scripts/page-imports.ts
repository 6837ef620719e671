import { globSync } from "node:fs";
import { join, posix } from "node:path";
import { parseFile } from "@swc/core";
import { LAYERS } from "./layers.ts";

/** Tests, and what tests share. */
const TEST_FILE = /\.test\.tsx?$|\/testing\//;
/** Examples, as text. */
const EXAMPLE = /^examples\/.*\?raw$/;

/**
 * What the page imports and may not: it is a client of the API that runs in a browser, so of src/ it takes what is pure, and
 * examples as text. (dependency-cruiser does not read .tsx with swc.)
 * @returns one line for each
 */
export async function pageProblems(root: string): Promise<readonly string[]> {
  const files = globSync("web/src/**/*.{ts,tsx}", { cwd: root }).filter((path) => !TEST_FILE.test(path));
  const problems = await Promise.all(files.sort().map((path) => problemsOf(root, path)));
  return problems.flat();
}

async function problemsOf(root: string, path: string): Promise<readonly string[]> {
  const { body } = await parseFile(join(root, path), {
    syntax: "typescript",
    tsx: path.endsWith("x"),
    target: "es2022",
  });
  return body.flatMap((statement) => {
    const source = "source" in statement ? statement.source?.value : undefined;
    if (source === undefined) return [];
    if (source.startsWith("node:")) return [`${path} -> ${source}: the page runs in a browser: no node: modules`];
    if (!source.startsWith(".")) return [];
    const to = posix.join(posix.dirname(path), source);
    return mayImport(to) ? [] : [`${path} -> ${to}: the page may not import from this layer`];
  });
}

function mayImport(path: string): boolean {
  if (path.startsWith("web/src/") || EXAMPLE.test(path)) return true;
  const [layer] = LAYERS.filter((each) => path.startsWith(each.path)).sort((a, b) => b.path.length - a.path.length);
  return layer?.pure === true;
}
