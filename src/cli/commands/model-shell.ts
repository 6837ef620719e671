import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { modelsFolder } from "../../kernel/model/remote/state-folder.ts";
import { completeWord } from "../model-shell/complete-word.ts";
import { Shell } from "../model-shell/shell.ts";
import { packageFile } from "../names.ts";
import { note, print } from "../output.ts";
import { paint } from "../terminal.ts";

const HISTORY_LINES = 1000;
/** The machine where no file is named. */
const EXAMPLE = "examples/models/82576.yaml";

export interface ModelShellOptions {
  readonly json?: boolean;
}

/**
 * `vfleet model shell [FILE]`: on a terminal with history and completion; else a command a line from standard input.
 * @returns without a terminal: 0 where all was well, 1 where a command failed
 */
export async function modelShell(file: string | undefined, options: ModelShellOptions): Promise<number> {
  const path = file ?? exampleModel();
  const machine = await openMachine(path);
  if (machine.stale) note(`vfleet: ${path} was changed since power-on; vfleet model reset ${path} applies it`);
  const interactive = process.stdin.isTTY === true && options.json !== true;
  const shell = new Shell(machine, interactive ? process.stdout.columns : undefined);
  if (!interactive) return runLines(shell, options.json === true);
  const state = machine.started ? "powered on" : `on since ${machine.info.poweredOn.slice(0, 19).replace("T", " ")}`;
  print(`${machine.info.name}: ${state}, process ${machine.info.pid}. It runs on when you leave. Try: help\n`);
  return runTerminal(shell);
}

/** The path of the bundled example. */
export function exampleModel(): string {
  return fileURLToPath(packageFile(EXAMPLE));
}

async function runLines(shell: Shell, json: boolean): Promise<number> {
  let failures = 0;
  const lines = createInterface({
    input: createReadStream("", { fd: 0, autoClose: false }),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const command of lines) {
    if (/^\s*(?:#.*)?$/.test(command)) continue;
    if (command.trim() === "exit") break;
    const { ok, errno, output } = await shell.run(command);
    if (!ok) failures++;
    if (json) print(`${JSON.stringify({ command, ok, errno, output })}\n`);
    else if (ok) print(output);
    // What a command printed before it failed belongs to its message.
    else process.stderr.write(output);
  }
  return failures === 0 ? 0 : 1;
}

async function runTerminal(shell: Shell): Promise<number> {
  const historyFile = join(dirname(modelsFolder()), "shell-history");
  const { state } = shell;
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: readHistory(historyFile),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: Error | null, result?: [string[], string]) => void) => {
      completeWord(state, line).then(
        (result) => done(null, result),
        (error: Error) => done(error),
      );
    },
  });
  terminal.on("history", (lines: string[]) => saveHistory(historyFile, lines));
  // Ctrl-C gives up the line, as in bash.
  terminal.on("SIGINT", () => {
    process.stdout.write("^C\n");
    terminal.write(null, { ctrl: true, name: "u" });
    terminal.prompt();
  });
  const prompt = () => {
    terminal.setPrompt(`${paint("strong", state.machine.info.name)}:${state.cwd}# `);
    terminal.prompt();
  };
  prompt();
  for await (const line of terminal) {
    if (line.trim() === "exit") break;
    if (line.trim() !== "") print((await shell.run(line)).output);
    prompt();
  }
  terminal.close();
  return 0;
}

/** Newest first, as node:readline has them. */
function readHistory(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .reverse();
  } catch {
    // The first time there is none.
    return [];
  }
}

function saveHistory(file: string, newestFirst: readonly string[]): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${newestFirst.toReversed().join("\n")}\n`, { mode: 0o600 });
  } catch {
    // A history that cannot be kept is no reason to stop.
  }
}
