import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../dumps.ts";

const FOLDER = join(ROOT, "examples/models");

/** The files of the machines that are described in examples/models. */
export const exampleModels: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((name) => join(FOLDER, name));
