import type { CatalogueEntry } from "../catalogue-entry.ts";

/** Of all commands: bad usage and bad input, the lab, models. */
export const GENERAL = {
  "VFL-0001": {
    title: "bad usage",
    explanation: "An argument or option is not one that the command takes.",
    remedy: "see the command's --help",
    exitCode: 2,
  },
  "VFL-0002": {
    title: "input not found",
    explanation: "The file or folder that was named is not there.",
    remedy: "check the path",
    exitCode: 2,
  },
  "VFL-0003": {
    title: "input not readable",
    explanation: "The input is there and could not be read: permission, an I/O error, or a writer that sends nothing.",
    remedy: "check its permissions, or run as a user who may read it",
    exitCode: 2,
  },
  "VFL-0004": {
    title: "input of the wrong kind",
    explanation: "A file was wanted and a folder, device or socket was named, or the other way round.",
    remedy: "name an input of the right kind",
    exitCode: 2,
  },
  "VFL-0005": {
    title: "input too large",
    explanation: "The input is larger than what vfleet reads into memory.",
    remedy: "split it, or give only the functions in question",
    exitCode: 2,
  },
  "VFL-0006": {
    title: "no PCI functions in the dump",
    explanation: "Nothing in the input is a function with its registers in hexadecimal.",
    remedy: "make the dump with: lspci -xxxx (as root)",
    exitCode: 2,
  },
  "VFL-0007": {
    title: "dump line not understood",
    explanation: "A line that should hold registers in hexadecimal holds something else.",
    remedy: "make the dump again with: lspci -xxxx (as root)",
    exitCode: 2,
  },
  "VFL-0008": {
    title: "snapshot not recognised",
    explanation: "The folder or archive holds no tree of PCI devices.",
    remedy: "make one with: vfleet capture OUT.tar.gz",
    exitCode: 2,
  },
  "VFL-0009": {
    title: "archive broken",
    explanation: "The archive is cut off, damaged, or not what it should be.",
    remedy: "capture the host again",
    exitCode: 2,
  },
  "VFL-0010": {
    title: "output not writable",
    explanation: "The output file is there already, or could not be written.",
    remedy: "choose another path, or --force to replace the file",
    exitCode: 1,
  },
  "VFL-0011": {
    title: "source unknown",
    explanation: "A source is linux, snapshot:PATH, lspci:FILE or model:FILE.",
    remedy: "write the source as one of these",
    exitCode: 2,
  },
  "VFL-0012": {
    title: "kernel not readable",
    explanation: "The kernel, or what stands for it, gave no list of PCI devices.",
    remedy: "run on a Linux host with /sys mounted, or name another --source",
    exitCode: 1,
  },
  "VFL-0013": {
    title: "no such function",
    explanation: "The host has no PCI function at this address.",
    remedy: "list them with: vfleet scan",
    exitCode: 2,
  },
  "VFL-0014": {
    title: "not a Physical Function",
    explanation: "The function has no SR-IOV capability, so it can have no VFs.",
    remedy: "list the Physical Functions with: vfleet scan",
    exitCode: 2,
  },
  "VFL-0015": {
    title: "internal error",
    explanation: "vfleet itself is at fault.",
    remedy: "report it, with the command and the input",
    exitCode: 1,
  },
  "VFL-0016": {
    title: "file not valid",
    explanation: "A YAML file does not hold what it should: its syntax, a key that is not known, a value out of range.",
    remedy: "change the file at the line and column named",
    exitCode: 2,
  },
  "VFL-0031": {
    title: "lab image not built",
    explanation: "The image that lab machines boot from is made from Debian packages, and a step of that failed.",
    remedy: "see the step's own message; vfleet lab build --verbose shows all that the programs print",
    exitCode: 1,
  },
  "VFL-0032": {
    title: "lab machine failed",
    explanation: "A machine of the lab did not come up, hung, panicked, or was cut off before its script had ended.",
    remedy: "see its console in the message; give it more time with --timeout, or look around with vfleet lab shell",
    exitCode: 1,
  },
  "VFL-0033": {
    title: "lab guest failed",
    explanation:
      "A guest inside a lab machine did not start, did not answer in time, ended, or its QEMU refused what it was told.",
    remedy: "see its console and QEMU's words in the message",
    exitCode: 1,
  },
  "VFL-0041": {
    title: "modelled machine not reached",
    explanation:
      "A modelled machine is a process of its own, which is started at its first use. It did not start, does not answer, or is of another version of vfleet.",
    remedy: "power it off and on with: vfleet model reset FILE",
    exitCode: 1,
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
