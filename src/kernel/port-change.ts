import type { Kernel, Observed } from "./port.ts";
import type { Devlink } from "./port-devlink.ts";
import type { LinkChange, VfChange, VfOutcome } from "./port-link.ts";
import type { Nvme } from "./port-nvme.ts";
import type { Outcome, Waiting, Within } from "./port-outcome.ts";
import type { Uevent } from "./port-uevent.ts";
import type { DeviceUsersSource } from "./port-users.ts";

/**
 * A kernel that takes changes too: this host's, or a model of one. A change that the kernel refuses is an answer with its
 * errno. What cannot be meant for any kernel, as a MAC address of three bytes, is EINVAL and is not asked.
 */
export interface ChangeableKernel extends Kernel, DeviceUsersSource {
  /**
   * Writes `text` to a file that exists, in one write(2), as an attribute in /sys or /proc wants it. The file is neither
   * made nor cut. Empty text opens the file and writes nothing, which is what an attribute does with a write of 0 bytes.
   */
  write(path: string, text: string, waiting?: Waiting): Promise<Within<Outcome>>;
  /** Settings of VFs, by rtnetlink to their PF's network device. One answer a setting, in order (see `vfSettings`). */
  setVfs(netdev: string, changes: readonly VfChange[], waiting?: Waiting): Promise<Within<readonly VfOutcome[]>>;
  /** One setting of a network device. */
  setLink(netdev: string, change: LinkChange, waiting?: Waiting): Promise<Within<Outcome>>;
  /** Done also where the module was there. Its parameters are files: /sys/module/NAME/parameters. */
  loadModule(name: string, waiting?: Waiting): Promise<Within<Outcome>>;
  /** Done also where it was not loaded. Its drivers leave their devices first; EBUSY where something else uses it. */
  unloadModule(name: string, waiting?: Waiting): Promise<Within<Outcome>>;
  readonly devlink: Devlink;
  readonly nvme: Nvme;
  /** Where the kernel log ends now: its next record's sequence number. */
  logMark(): Promise<Observed<number>>;
  /** What was logged since `logMark` gave `mark`. */
  logSince(mark: number): Promise<Observed<LogPart>>;
  /**
   * The events that the kernel sends from now on, until `signal` ends them and the iteration. Where they end otherwise, the
   * last item says why. Who iterates slowly lets them pile up in the kernel, not here.
   */
  uevents(signal: AbortSignal): Promise<Observed<AsyncIterable<Observed<Uevent>>>>;
}

export interface LogPart {
  readonly lines: readonly string[];
  /** How many records were overwritten before they could be read: 0 where `lines` is all. */
  readonly lost: number;
  /** The next record's sequence number: the mark from which what comes now is new. */
  readonly end: number;
}
