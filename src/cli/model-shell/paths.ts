import type { ModelledMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { isUnread } from "../../kernel/port.ts";
import { globExpression, isPattern, type Word } from "./shell-words.ts";

const MOST_MATCHES = 10_000;

/** A path as the kernel is to see it: from the present folder where it is not absolute. `..` is the kernel's matter. */
export function absolute(cwd: string, path: string): string {
  return path.startsWith("/") ? path : `${cwd === "/" ? "" : cwd}/${path}`;
}

/** As `cd -L` has it: `.` and `..` are taken away without looking. */
export function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The paths that words stand for; a pattern that matches nothing stands for itself, as in bash. */
export async function expand(machine: ModelledMachine, cwd: string, words: readonly Word[]): Promise<string[]> {
  const expanded: string[] = [];
  for (const { text, pattern } of words) {
    const matches = isPattern(pattern) ? await matching(machine, cwd, pattern) : [];
    expanded.push(...(matches.length === 0 ? [text] : matches));
  }
  return expanded;
}

async function matching(machine: ModelledMachine, cwd: string, pattern: string): Promise<string[]> {
  let found = [pattern.startsWith("/") ? "/" : ""];
  for (const part of pattern.split("/").filter((each) => each !== "")) {
    const next: string[] = [];
    for (const folder of found) {
      const join = (name: string) => (folder === "" || folder === "/" ? `${folder}${name}` : `${folder}/${name}`);
      if (!isPattern(part)) {
        const path = join(part.replace(/\\(.)/g, "$1"));
        if (!isUnread(await machine.stat(absolute(cwd, path), false))) next.push(path);
        continue;
      }
      const names = await machine.kernel.list(absolute(cwd, folder || "."));
      if (isUnread(names)) continue;
      const expression = globExpression(part);
      next.push(...names.filter((name) => expression.test(name)).map(join));
    }
    found = next.slice(0, MOST_MATCHES);
  }
  return found;
}
