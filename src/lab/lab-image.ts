/** What a lab machine is started with. */
export interface LabImage {
  readonly folder: string;
  /** A program and its first arguments. */
  readonly qemu: readonly string[];
  readonly kernel: string;
  readonly initrd: string;
  /** A squashfs. In it is also what a guest inside the machine starts from (inner-machine.ts). */
  readonly root: string;
  readonly kernelRelease: string;
  readonly qemuVersion: string;
}
