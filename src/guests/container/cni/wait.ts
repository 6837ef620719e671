/** Lets time pass: a plugin is one call, and nothing else is to be done meanwhile. */
export function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
