import { isUnread } from "../../kernel/port.ts";
import { isPending } from "../../kernel/port-outcome.ts";
import { type Answer, good, NOTHING, notDone, refused, textOf, together, wrong } from "./answer.ts";
import { absolute, normal } from "./paths.ts";
import type { ShellState } from "./shell-state.ts";

const decoder = new TextDecoder();
/** Of every attribute in sysfs, whatever it holds. */
const ATTRIBUTE_BYTES = 4096;

/** `cat PATH...` */
export async function cat({ machine, cwd }: ShellState, paths: readonly string[], input?: string): Promise<Answer> {
  if (paths.length === 0 && input !== undefined) return good(input);
  if (paths.length === 0) return wrong("cat: standard input is the script here; name a file");
  const answers: Answer[] = [];
  for (const path of paths) {
    const bytes = await machine.kernel.read(absolute(cwd, path));
    answers.push(isUnread(bytes) ? refused(`cat: ${path}`, bytes.errno) : good(decoder.decode(bytes)));
  }
  return together(answers);
}

/** `ls [-l] [-1] [-d] [-a] [PATH...]` */
export async function ls(state: ShellState, args: readonly string[]): Promise<Answer> {
  const options = args.filter((arg) => /^-./.test(arg)).join("");
  const unknown = /[^-l1daA]/.exec(options)?.[0];
  if (unknown !== undefined) return wrong(`ls: invalid option -- '${unknown}'`);
  const long = options.includes("l");
  const asItself = options.includes("d");
  const paths = args.filter((arg) => !/^-./.test(arg));
  const files: string[] = [];
  const folders: string[] = [];
  const answers: Answer[] = [];
  for (const path of paths.length === 0 ? ["."] : paths) {
    // Without -l a link that is named is followed, as by ls.
    const status = await state.machine.stat(absolute(state.cwd, path), !long && !asItself);
    if (isUnread(status)) answers.push(refused(`ls: cannot access '${path}'`, status.errno));
    else if (status.kind === "folder" && !asItself) folders.push(path);
    else files.push(path);
  }
  if (files.length > 0) answers.push(good(await listing(state, "", files, long)));
  for (const folder of folders) {
    const names = await state.machine.kernel.list(absolute(state.cwd, folder));
    if (isUnread(names)) {
      answers.push(refused(`ls: cannot open directory '${folder}'`, names.errno));
      continue;
    }
    const head = folders.length + files.length > 1 ? `${answers.length > 0 ? "\n" : ""}${folder}:\n` : "";
    answers.push(good(head + (long ? "total 0\n" : "") + (await listing(state, folder, names, long))));
  }
  return together(answers);
}

async function listing(state: ShellState, folder: string, names: readonly string[], long: boolean): Promise<string> {
  if (!long) return columns(names, state.columns);
  const rows: string[] = [];
  for (const name of names) rows.push(await longLine(state, folder, name));
  return textOf(rows);
}

async function longLine({ machine, cwd }: ShellState, folder: string, name: string): Promise<string> {
  const path = absolute(cwd, folder === "" ? name : `${folder}/${name}`);
  const status = await machine.stat(path, false);
  if (isUnread(status)) return `?????????? ? ?    ?       ?            ? ${name}`;
  const { kind, mode } = status;
  const letters = "rwxrwxrwx".replace(/./g, (letter, index: number) => ((mode >> (8 - index)) & 1 ? letter : "-"));
  const type = kind === "link" ? "l" : kind === "folder" ? "d" : "-";
  const target = kind === "link" ? await machine.kernel.readLink(path) : undefined;
  const arrow = target === undefined || isUnread(target) ? "" : ` -> ${target}`;
  const size = String(kind === "file" ? ATTRIBUTE_BYTES : 0).padStart(4);
  return `${type}${letters} 1 root root ${size} ${dateText(machine.info.poweredOn)} ${name}${arrow}`;
}

/** `Nov 26 01:31` */
function dateText(iso: string): string {
  const date = new Date(iso);
  const month = date.toLocaleString("en", { month: "short", timeZone: "UTC" });
  return `${month} ${String(date.getUTCDate()).padStart(2)} ${iso.slice(11, 16)}`;
}

/** Down the columns, as ls on a terminal; a line each where there is none. */
function columns(names: readonly string[], width: number | undefined): string {
  if (width === undefined || names.length === 0) return textOf(names);
  const cell = Math.max(...names.map(({ length }) => length)) + 2;
  const across = Math.max(1, Math.floor(width / cell));
  const down = Math.ceil(names.length / across);
  const line = (row: number) =>
    names
      .filter((_, index) => index % down === row)
      .map((name) => name.padEnd(cell))
      .join("")
      .trimEnd();
  return textOf(Array.from({ length: down }, (_, row) => line(row)));
}

/** `readlink [-f] PATH...`; without -f it says nothing of what is no link, as GNU's. */
export async function readlink({ machine, cwd }: ShellState, args: readonly string[]): Promise<Answer> {
  const canonical = args.some((arg) => arg === "-f" || arg === "-e");
  const paths = args.filter((arg) => !/^-./.test(arg));
  if (paths.length === 0) return wrong("readlink: missing operand");
  const answers: Answer[] = [];
  for (const path of paths) {
    if (canonical) {
      const status = await machine.stat(absolute(cwd, path), true);
      answers.push(isUnread(status) ? { ok: false, errno: status.errno, output: "" } : good(`${status.realPath}\n`));
    } else {
      const target = await machine.kernel.readLink(absolute(cwd, path));
      answers.push(isUnread(target) ? { ok: false, errno: target.errno, output: "" } : good(`${target}\n`));
    }
  }
  return together(answers);
}

/** `cd [PATH]`, to /sys/bus/pci/devices where it is left out: there is no home, and that is what one wants. */
export async function cd(state: ShellState, [path = "/sys/bus/pci/devices"]: readonly string[]): Promise<Answer> {
  const wanted = normal(absolute(state.cwd, path));
  const status = await state.machine.stat(wanted, true);
  if (isUnread(status)) return refused(`bash: cd: ${path}`, status.errno);
  if (status.kind !== "folder") return refused(`bash: cd: ${path}`, "ENOTDIR");
  state.cwd = wanted;
  return NOTHING;
}

/** What `echo` prints. */
export function echoText(args: readonly string[]): string {
  const [first, ...rest] = args;
  return first === "-n" ? rest.join(" ") : `${args.join(" ")}\n`;
}

/**
 * `COMMAND > PATH`: what bash says where the open fails, and what its `echo` says where the write does. Nobody makes
 * files in /sys: to want that is EACCES.
 */
export async function redirect({ machine, cwd }: ShellState, path: string, who: string, text: string): Promise<Answer> {
  const target = absolute(cwd, path);
  const status = await machine.stat(target, true);
  if (isUnread(status)) {
    const folder = await machine.stat(target.replace(/\/[^/]*$/, "") || "/", true);
    const errno = status.errno === "ENOENT" && !isUnread(folder) && folder.kind === "folder" ? "EACCES" : status.errno;
    return refused(`bash: ${path}`, errno);
  }
  if (status.kind === "folder") return refused(`bash: ${path}`, "EISDIR");
  if ((status.mode & 0o222) === 0) return refused(`bash: ${path}`, "EACCES");
  const outcome = await machine.kernel.write(target, text);
  if (isPending(outcome)) return wrong(`bash: ${who}: the kernel still works at it: see dmesg`, "EINPROGRESS");
  return outcome.kind === "done" ? NOTHING : notDone(`bash: ${who}: write error`, outcome);
}
