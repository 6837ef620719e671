import { readFileSync, writeSync } from "node:fs";
import { runPlugin } from "./plugin.ts";

const STDIN = 0;
const STDOUT = 1;

const { output, exitCode } = runPlugin(process.env, () => readFileSync(STDIN, "utf8"));
if (output !== "") writeSync(STDOUT, output);
process.exitCode = exitCode;
