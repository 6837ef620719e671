import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "../qmp/read-lines.ts";
import { labCacheFolder } from "./cache.ts";
import { debianMirror } from "./debian-mirror.ts";
import { INNER_SNAPSHOT } from "./inner-machine.ts";
import type { LabImage } from "./lab-image.ts";
import { MACHINES } from "./machines.ts";
import { labFile } from "./package-folder.ts";
import * as recipe from "./recipe.ts";
import { runScript } from "./run-script.ts";

interface Manifest {
  readonly kernelRelease: string;
  readonly qemuVersion: string;
  /** SHA-256 of each file, in hexadecimal. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

const MANIFEST = "manifest.json";
const FILES = ["vmlinuz", "initrd", "root.squashfs"];
/** Of the root, what QEMU needs to run on this side, through its own loader: whatever C library this system has. */
const QEMU_PARTS = [
  "./usr/lib64",
  "./usr/lib/x86_64-linux-gnu",
  "./usr/bin/qemu-system-x86_64",
  "./usr/share/qemu",
  "./usr/share/seabios",
];
const UNUSED_DAYS = 30;
const SAVE_MS = 600_000;

/** The image of the present recipe, where it is built and whole as far as sizes tell; undefined elsewhere. */
export function findImage(): LabImage | undefined {
  const folder = join(labCacheFolder(), recipe.recipeKey());
  const manifest = readManifest(folder);
  if (manifest === undefined) return undefined;
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    if (statSync(join(folder, name), { throwIfNoEntry: false })?.size !== bytes) return undefined;
  }
  // Tells removeUnused that it is in use.
  const now = new Date();
  utimesSync(folder, now, now);
  return imageIn(folder, manifest);
}

/** Whether all of an image's files are what they were when it was built. */
export async function isWhole(image: LabImage): Promise<boolean> {
  for (const [name, { sha256 }] of Object.entries(readManifest(image.folder)?.files ?? {})) {
    if ((await sha256Of(join(image.folder, name))) !== sha256) return false;
  }
  return true;
}

/**
 * Builds the image of the present recipe from Debian's packages: some minutes, 1 GB in the cache folder. Beside a build
 * that runs already it makes another; the first to end wins.
 * @param tell is given each step, and what the programs print.
 * @throws VfleetError VFL-0031 where the machine lacks a program, or a step fails.
 */
export async function buildImage(tell: (line: string) => void): Promise<LabImage> {
  requirePrograms();
  const mirror = debianMirror();
  const folder = join(labCacheFolder(), recipe.recipeKey());
  const work = join(labCacheFolder(), `building-${process.pid}`);
  const onExit = () => rmSync(work, { recursive: true, force: true });
  process.on("exit", onExit);
  try {
    mkdirSync(join(work, "image/modules"), { recursive: true });
    tell("1 of 5: kernel modules that Debian does not build (netdevsim)");
    await buildModules(mirror, work, tell);
    tell("2 of 5: a Debian root with QEMU, tools and kernel");
    await buildRoot(mirror, work, tell);
    tell("3 of 5: QEMU for this side, and the machine's file system");
    await packRoot(work, tell);
    tell("4 of 5: a guest to start from, saved inside a lab machine");
    await saveInnerGuest(work, tell);
    tell("5 of 5: hashes");
    const manifest = await finish(work);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, "out"), folder);
    removeUnused();
    return imageIn(folder, manifest);
  } finally {
    process.off("exit", onExit);
    onExit();
  }
}

/** The programs of this system that a build runs, with the Debian packages that have them. */
const PROGRAMS = { mmdebstrap: "mmdebstrap", mksquashfs: "squashfs-tools", tar: "tar" };

function requirePrograms(): void {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing = Object.entries(PROGRAMS).filter(
    ([name]) => !folders.some((folder) => existsSync(join(folder, name))),
  );
  if (missing.length === 0) return;
  throw new VfleetError("VFL-0031", {
    message: `the lab's image is built with ${missing.map(([name]) => name).join(" and ")}, which is not here`,
    remedy: `install ${missing.map(([, name]) => name).join(" ")}`,
  });
}

/** Runs mmdebstrap; hooks are its own shell's, so paths reach them by the environment alone. */
function mmdebstrap(
  mirror: string,
  suites: readonly string[],
  packages: readonly string[],
  more: {
    readonly hooks: readonly string[];
    readonly target: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  },
  tell: (line: string) => void,
): Promise<void> {
  const args = [
    ...["--variant=apt", "--architectures=amd64", `--include=${packages.join(",")}`],
    // Documentation and translations, which nobody reads there.
    ...["man", "locale", "doc", "info"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    ...more.hooks,
    ...more.target,
    ...suites.map((suite) => `deb ${mirror} ${suite} main`),
  ];
  return run("mmdebstrap", args, tell, more.env);
}

function buildModules(mirror: string, work: string, tell: (line: string) => void): Promise<void> {
  const hooks = [
    '--customize-hook=chroot "$1" sh -s < "$LAB_SCRIPT"',
    '--customize-hook=cp "$1"/lab-modules/* "$LAB_MODULES_OUT"',
  ];
  const env = { LAB_SCRIPT: labFile("image/kernel-modules.sh"), LAB_MODULES_OUT: join(work, "image/modules") };
  const target = ["--format=null", recipe.SUITE, "/dev/null"];
  return mmdebstrap(mirror, [recipe.SUITE], recipe.BUILD_PACKAGES, { hooks, target, env }, tell);
}

function buildRoot(mirror: string, work: string, tell: (line: string) => void): Promise<void> {
  copyFileSync(labFile("guest/init.sh"), join(work, "image/init.sh"));
  copyFileSync(labFile("guest/inner-init.sh"), join(work, "image/inner-init.sh"));
  const pin = `Package: ${recipe.FROM_BACKPORTS}\nPin: release n=${recipe.BACKPORTS}\nPin-Priority: 990\n`;
  const hooks = [
    '--setup-hook=mkdir -p "$1/etc/apt/preferences.d" && printf %s "$LAB_PIN" > "$1/etc/apt/preferences.d/lab"',
    '--customize-hook=cp -r "$LAB_FILES" "$1/lab-image"',
    '--customize-hook=chroot "$1" sh -s < "$LAB_SCRIPT"',
  ];
  const env = {
    LAB_PIN: pin,
    LAB_FILES: join(work, "image"),
    LAB_SCRIPT: labFile("image/runtime-root.sh"),
    LAB_MODULES: recipe.MODULES.join(" "),
    LAB_BOOT_MODULES: recipe.BOOT_MODULES.join(" "),
    LAB_INNER_MODULES: recipe.INNER_MODULES.join(" "),
  };
  const target = ["--format=tar", recipe.SUITE, join(work, "root.tar")];
  return mmdebstrap(mirror, [recipe.SUITE, recipe.BACKPORTS], recipe.PACKAGES, { hooks, target, env }, tell);
}

async function packRoot(work: string, tell: (line: string) => void): Promise<void> {
  const root = join(work, "root");
  const out = join(work, "out");
  mkdirSync(root);
  mkdirSync(join(out, "qemu"), { recursive: true });
  const tar = join(work, "root.tar");
  // Without owners and devices this takes no privilege; the squashfs gives all to root.
  await run("tar", ["-xf", tar, "-C", root, "--no-same-owner", "--exclude=./dev/*"], tell);
  await run("tar", ["-xf", tar, "-C", join(out, "qemu"), "--no-same-owner", ...QEMU_PARTS], tell);
  rmSync(tar);
  copyFileSync(process.execPath, join(root, "opt/node/bin/node"));
  for (const name of ["vmlinuz", "initrd", "release", "qemu-version"]) {
    copyFileSync(join(root, "boot", name), join(out, name));
  }
  await packSquashfs(work, tell);
}

async function packSquashfs(work: string, tell: (line: string) => void): Promise<void> {
  // Uncompressed: the emulated processor would take longer to unpack than the disk to read.
  const plain = ["-noI", "-noD", "-noF", "-noX"];
  const paths = [join(work, "root"), join(work, "out/root.squashfs")];
  await run("mksquashfs", [...paths, "-all-root", "-noappend", "-quiet", "-no-progress", ...plain], tell);
}

/** Boots a machine of the new image, where a guest boots and is saved, and packs that into the image. */
async function saveInnerGuest(work: string, tell: (line: string) => void): Promise<void> {
  const machine = MACHINES.find(({ name }) => name === "guests");
  if (machine === undefined) throw new TypeError("there is no machine for guests");
  const saved = join(work, "saved");
  mkdirSync(saved);
  // Beside this module, as source and as built.
  const script = fileURLToPath(new URL(`save-inner-guest${extname(import.meta.url)}`, import.meta.url));
  let output = "";
  const { exitCode } = await runScript({
    image: imageIn(join(work, "out"), manifestOf(work, {})),
    machine,
    script,
    outFolder: saved,
    timeoutMs: SAVE_MS,
    // A build that is ended takes the machine with it.
    signal: new AbortController().signal,
    onOutput: (text) => {
      output = (output + text).slice(-4096);
    },
  });
  if (exitCode !== 0) {
    throw new VfleetError("VFL-0031", { message: `no guest was saved in a lab machine:\n${output}` });
  }
  renameSync(join(saved, "inner-snapshot"), join(work, "root", INNER_SNAPSHOT));
  await packSquashfs(work, tell);
}

function manifestOf(work: string, files: Manifest["files"]): Manifest {
  const text = (name: string) => readFileSync(join(work, "out", name), "utf8").trim();
  return { kernelRelease: text("release"), qemuVersion: text("qemu-version"), files };
}

async function finish(work: string): Promise<Manifest> {
  const out = join(work, "out");
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of [...FILES, "qemu/usr/bin/qemu-system-x86_64"]) {
    const path = join(out, name);
    files[name] = { bytes: statSync(path).size, sha256: await sha256Of(path) };
  }
  const manifest = manifestOf(work, files);
  writeFileSync(join(out, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function imageIn(folder: string, { kernelRelease, qemuVersion }: Manifest): LabImage {
  const qemu = join(folder, "qemu/usr");
  return {
    folder,
    qemu: [
      ...[join(qemu, "lib64/ld-linux-x86-64.so.2"), "--library-path", join(qemu, "lib/x86_64-linux-gnu")],
      ...[join(qemu, "bin/qemu-system-x86_64"), "-L", join(qemu, "share/qemu"), "-L", join(qemu, "share/seabios")],
    ],
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd"),
    root: join(folder, "root.squashfs"),
    kernelRelease,
    qemuVersion,
  };
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), "utf8")) as Manifest;
  } catch {
    // Not built, or not to its end.
    return undefined;
  }
}

/** Images of older recipes that nothing has used for long, and what a build that was killed left behind. */
function removeUnused(): void {
  const oldest = Date.now() - UNUSED_DAYS * 24 * 3600 * 1000;
  for (const name of readdirSync(labCacheFolder())) {
    const path = join(labCacheFolder(), name);
    if (statSync(path).mtimeMs < oldest) rmSync(path, { recursive: true, force: true });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

const TAIL_LINES = 30;

function run(
  program: string,
  args: readonly string[],
  tell: (line: string) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const tail: string[] = [];
  const onLine = (line: string) => {
    tell(`  ${line}`);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  const read = Promise.all([child.stdout, child.stderr].map((pipe) => readLines(pipe, onLine)));
  const onExit = () => child.kill("SIGTERM");
  process.on("exit", onExit);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", async (code, signal) => {
      process.off("exit", onExit);
      await read;
      if (code === 0) return resolve();
      const message = `${program} ended with ${code ?? signal}:\n${tail.join("\n")}`;
      return reject(new VfleetError("VFL-0031", { message, details: { program, exitCode: code } }));
    });
  });
}
