/** How long to wait for the kernel. What is under way cannot be called back: both end the waiting alone. */
export interface Waiting {
  /** 5 s when left out. */
  readonly deadlineMs?: number;
  /** Where it has been aborted before, nothing is begun, and the call throws its reason. */
  readonly signal?: AbortSignal;
}

/** The answer, or that the kernel still works at it. */
export type Within<T> = T | Pending<T>;

/**
 * The kernel still works: `sriov_numvfs` waits for whoever holds a VF, an eSwitch for its firmware. Nobody can stop it,
 * not even SIGKILL, and it will have its effect whether one waits or not.
 */
interface Pending<T> {
  readonly kind: "pending";
  /** As in `Failed`. */
  readonly target: string;
  /** The answer, in the end. Who asks for it keeps the process alive till then; who does not may end. */
  finished(): Promise<T>;
}

/** What comes after an answer, whenever that comes. */
export async function afterwards<T, U>(answer: Within<T>, next: (answer: T) => Promise<Within<U>>): Promise<Within<U>> {
  if (!isPending(answer)) return next(answer);
  const finished = async () => {
    const then = await next(await answer.finished());
    return isPending(then) ? then.finished() : then;
  };
  return { kind: "pending", target: answer.target, finished };
}

export type Outcome = Done | Failed;

export interface Done {
  readonly kind: "done";
  readonly tookMs: number;
}

export interface Failed {
  readonly kind: "failed";
  /** What was to be changed: a file's path, or an object as `eth0 vf 3 trust`. */
  readonly target: string;
  /** The value tried. */
  readonly value: string;
  /** The errno's name, as EBUSY; null where it was not told, or no kernel was reached: `reason` says which. */
  readonly errno: string | null;
  /** One sentence for a person; the kernel's own words (a netlink extended acknowledgement), where it gave some. */
  readonly reason: string;
}

export function isPending<T>(value: Within<T>): value is Pending<T> {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "pending";
}

/** @param reason left out where nothing is known but the errno. */
export function failed(
  target: string,
  value: string,
  errno: string | null,
  reason = `the kernel answered ${errno}`,
): Failed {
  return { kind: "failed", target, value, errno, reason };
}
