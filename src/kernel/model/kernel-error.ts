/** How the modelled kernel refuses: what a function of Linux returns as a negative number. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** As ENOENT. */
  readonly errno: string;

  /** The kernel's own words, of netlink's extended acknowledgement. */
  readonly extack: string | undefined;

  constructor(errno: string, options: ErrorOptions & { readonly extack?: string } = {}) {
    super(`the kernel answered ${errno}`, options);
    this.errno = errno;
    this.extack = options.extack;
  }
}

/** The number of an errno, as log lines have it ("failed with error -22"; include/uapi/asm-generic/errno-base.h, errno.h). */
const NUMBERS: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  ENOMEM: 12,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  ENOSPC: 28,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
};

export function isErrno(word: string): boolean {
  return Object.hasOwn(NUMBERS, word);
}

export function errnoNumber(errno: string): number {
  return NUMBERS[errno] ?? 5;
}

/** The errno where a kernel function refuses; other errors are faults of the model. */
export function errnoOf(error: unknown): string {
  if (error instanceof KernelError) return error.errno;
  throw error;
}
