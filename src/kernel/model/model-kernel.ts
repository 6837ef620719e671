import type { Machine } from "../../hardware/machine.ts";
import { type Observed, unread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import { isPending } from "../port-outcome.ts";
import { boot, powerOn } from "./boot.ts";
import { change } from "./change.ts";
import { modelDevlink } from "./devlink.ts";
import { errnoOf } from "./kernel-error.ts";
import type { Pace } from "./kernel-time.ts";
import type { Linux } from "./linux.ts";
import type { ModelDescription } from "./model-description.ts";
import { modelNvme } from "./nvme-admin.ts";
import { ipLink, setLink, setVfs } from "./rtnetlink.ts";
import { FileNode, Folder, LinkNode, lookUp, type TreeNode } from "./sysfs-tree.ts";
import { modelUsers } from "./users.ts";
import { within } from "./within.ts";

const DEFAULT_LIMIT_BYTES = 1024 * 1024;
/** `kernfs_fop_write_iter` */
const PAGE_BYTES = 4096;
const MODULE_NAME = /^[A-Za-z0-9_-]+$/;
const encoder = new TextEncoder();

export interface ModelOptions {
  /** `instant` where left out. */
  readonly pace?: Pace;
  /** A machine that is on already; its firmware is run where left out. */
  readonly machine?: Machine;
}

/** The kernel of a model, with what is behind it. */
export interface ModelKernel extends ChangeableKernel {
  readonly linux: Linux;
}

/** Linux on a modelled machine, booted. @param name as the user may write it after `--source` */
export async function openModel(
  description: ModelDescription,
  name: string,
  { pace = "instant", machine = powerOn(description) }: ModelOptions = {},
): Promise<ModelKernel> {
  return modelKernel(await boot(description, machine, pace), name);
}

/** The port over a running modelled kernel. */
function modelKernel(linux: Linux, name: string): ModelKernel {
  const { root, log, time, uevents } = linux;

  function at(path: string, follow: boolean): TreeNode | { readonly errno: string } {
    try {
      return lookUp(root, path, follow);
    } catch (error) {
      return { errno: errnoOf(error) };
    }
  }

  return {
    linux,
    source: { kind: "model", name, complete: true },

    async read(path, limitBytes = DEFAULT_LIMIT_BYTES): Promise<Observed<Uint8Array>> {
      time.catchUp();
      const node = at(path, true);
      if ("errno" in node) return unread(path, node.errno);
      if (!(node instanceof FileNode)) return unread(path, "EISDIR", "it is a folder");
      const { mode, show } = node.operations;
      if ((mode & 0o444) === 0) return unread(path, "EACCES");
      if (show === undefined) return unread(path, "EIO");
      try {
        // Some reads wait for whoever holds the device's lock, as sriov_numvfs.
        const content = await within(path, (async () => show(limitBytes))());
        if (isPending(content)) return unread(path, "ETIMEDOUT");
        const bytes = typeof content === "string" ? encoder.encode(content) : content;
        return bytes.subarray(0, limitBytes);
      } catch (error) {
        return unread(path, errnoOf(error));
      }
    },

    async readLink(path) {
      const node = at(path, false);
      if ("errno" in node) return unread(path, node.errno);
      return node instanceof LinkNode ? node.target : unread(path, "EINVAL", "it is no symbolic link");
    },

    async list(path) {
      const node = at(path, true);
      if ("errno" in node) return unread(path, node.errno);
      return node instanceof Folder ? node.names() : unread(path, "ENOTDIR");
    },

    ipLink: async (netdev) => {
      time.catchUp();
      return ipLink(linux, netdev);
    },
    log: async () => log.lines,
    logMark: async () => log.end,
    logSince: async (mark) => log.since(mark),

    async write(path, text, waiting) {
      time.catchUp();
      return change(linux, path, text, waiting, async () => {
        const node = at(path, true);
        if ("errno" in node) return node.errno;
        if (!(node instanceof FileNode)) return "EISDIR";
        const { mode, store } = node.operations;
        if ((mode & 0o222) === 0) return "EACCES";
        if (text === "") return undefined;
        if (store === undefined) return "EIO";
        const bytes = encoder.encode(text);
        // It takes a page at the most, and who writes more writes the rest after it.
        for (let at = 0; at < bytes.length; at += PAGE_BYTES) await store(bytes.subarray(at, at + PAGE_BYTES));
        return undefined;
      });
    },

    async setVfs(netdev, changes, waiting) {
      time.catchUp();
      return within(netdev, setVfs(linux, netdev, changes), waiting);
    },
    async setLink(netdev, wanted, waiting) {
      time.catchUp();
      waiting?.signal?.throwIfAborted();
      return setLink(linux, netdev, wanted);
    },

    async loadModule(module, waiting) {
      time.catchUp();
      return change(linux, "module", module, waiting, async () => {
        if (!MODULE_NAME.test(module)) return "EINVAL";
        await linux.modules.load(module);
        return undefined;
      });
    },
    async unloadModule(module, waiting) {
      time.catchUp();
      return change(linux, "module", module, waiting, async () => {
        if (!MODULE_NAME.test(module)) return "EINVAL";
        await linux.modules.unload(module);
        return undefined;
      });
    },

    devlink: modelDevlink(linux),
    nvme: modelNvme(linux),
    usersOf: async (functions) => modelUsers(linux, functions),
    uevents: async (signal) => {
      signal.throwIfAborted();
      return uevents.listen(signal);
    },
  };
}
