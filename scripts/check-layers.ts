/**
 * Checks who imports whom in src/, with dependency-cruiser; scripts/layers.ts says who may.
 *
 *     node scripts/check-layers.ts [FOLDER]      the folder that holds src/; the present one where left out
 */
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { cruise, type ICruiseResult, type IRegularForbiddenRuleType } from "dependency-cruiser";
import { LAYERS, type Layer, MEANINGLESS_NAMES } from "./layers.ts";
import { pageProblems } from "./page-imports.ts";

interface LayerReport {
  /** How many files of src/ were read, and how many imports were seen in them. */
  readonly files: number;
  readonly imports: number;
  /** One line for each thing that is wrong. */
  readonly problems: readonly string[];
}

/** Tests, and what tests share. */
const TEST_FILE = "\\.test\\.ts$|/testing/";

/** Checks the sources in `root`/src. */
export async function checkLayers(root: string): Promise<LayerReport> {
  const files = globSync("src/**/*.{ts,tsx}", { cwd: root }).sort();
  if (files.length === 0) {
    return { files: 0, imports: 0, problems: ["src: holds no source"] };
  }
  const { modules, summary } = await cruiseSources(root);
  const read = new Map(modules.map(({ source, dependencies }) => [source, dependencies.length]));

  const problems = files.flatMap((path) => [
    // A parser that fails leaves dependency-cruiser with nothing to complain of, so every file must have been read.
    ...(read.has(path) ? [] : [`${path}: was not read`]),
    ...(LAYERS.some((layer) => path.startsWith(layer.path)) ? [] : [`${path}: is in no layer`]),
    ...(MEANINGLESS_NAMES.test(path) ? [`${path}: has a name that does not say what is inside`] : []),
  ]);
  for (const { rule, from, to, cycle } of summary.violations) {
    const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(" -> ");
    problems.push(`${from} -> ${path}: ${rule.name}`);
  }

  const readFiles = files.filter((path) => read.has(path));
  return {
    files: readFiles.length,
    imports: readFiles.reduce((sum, path) => sum + (read.get(path) ?? 0), 0),
    problems: [...problems, ...(await pageProblems(root))],
  };
}

async function cruiseSources(root: string): Promise<ICruiseResult> {
  const { output } = await cruise(["src"], {
    baseDir: resolve(root),
    // Under TypeScript 7 dependency-cruiser's own parser reads nothing, and says nothing (docs/decisions).
    parser: "swc",
    // A type from a later layer is a dependency on it, too.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    // Packages are found as Node finds them, by their `exports`.
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["node", "import", "default"] },
    validate: true,
    ruleSet: { forbidden: [...GENERAL_RULES, ...LAYERS.flatMap(rulesOfLayer)] },
  });
  if (typeof output === "string") {
    throw new Error(`dependency-cruiser gave text, not a result: ${output}`);
  }
  return output;
}

const GENERAL_RULES: readonly IRegularForbiddenRuleType[] = [
  { name: "no cycles", from: { path: "^src/" }, to: { circular: true } },
  { name: "the import is not found", from: { path: "^src/" }, to: { couldNotResolve: true } },
  { name: "nobody imports a test", from: { path: "^src/" }, to: { path: "\\.test\\.ts$" } },
  { name: "only tests import testing/", from: { path: "^src/", pathNot: TEST_FILE }, to: { path: "/testing/" } },
  {
    name: "src imports no other folder",
    from: { path: "^src/", pathNot: TEST_FILE },
    to: { dependencyTypes: ["local"], pathNot: "^src/" },
  },
];

function rulesOfLayer(layer: Layer, index: number): IRegularForbiddenRuleType[] {
  const { name, pure, packages } = layer;
  const from = { path: filesOf(layer), pathNot: TEST_FILE };
  const allowed = [layer, ...importedLayers(layer, index)].map(filesOf);
  const rules: IRegularForbiddenRuleType[] = [
    { name: `${name} may not import from this layer`, from, to: { path: "^src/", pathNot: [...allowed, TEST_FILE] } },
  ];
  if (pure === true) {
    rules.push({ name: `${name} is pure: no node: modules`, from, to: { dependencyTypes: ["core"] } });
  }
  if (packages !== undefined) {
    const pathNot = packages.map((name) => `^node_modules/${name}/`);
    rules.push({ name: `${name} may not import this package`, from, to: { path: "^node_modules/", pathNot } });
  }
  return rules;
}

function importedLayers({ name, imports }: Layer, index: number): readonly Layer[] {
  const earlier = LAYERS.slice(0, index);
  if (imports === undefined) {
    return earlier;
  }
  return imports.map((other) => {
    const found = earlier.find((layer) => layer.name === other);
    if (found === undefined) {
      throw new Error(`layers.ts: "${name}" imports "${other}", which does not stand before it`);
    }
    return found;
  });
}

/** A regular expression for a layer's files: below its path, and not in a layer further down that path. */
function filesOf({ path }: Layer): string {
  const inner = LAYERS.map((layer) => layer.path).filter((other) => other !== path && other.startsWith(path));
  return `^${path}${inner.map((other) => `(?!${other.slice(path.length)})`).join("")}`;
}

if (import.meta.main) {
  const { files, imports, problems } = await checkLayers(process.argv[2] ?? ".");
  for (const problem of problems) {
    console.log(problem);
  }
  console.log(`${files} files, ${imports} imports, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
