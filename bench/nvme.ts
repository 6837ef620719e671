import { blockCommand } from "../src/hardware/guests/nvme-driver.ts";
import { NVME_IO } from "../src/hardware/nvme/opcodes.ts";
import { NvmeLab } from "../src/hardware/nvme/testing/nvme-lab.ts";
import { median } from "./figure.ts";

const READ_BYTES = 4096;
const BLOCKS_EACH = READ_BYTES / 512;
const READS_PER_ROUND = 64_000;
const NAMESPACE_READS = 1024;
/** Commands that are rung for at a time. */
const BURST = 32;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 9;
const MICROSECONDS = 1e6;

/** Reads of 4 KiB that a driver gets through one pair of queues in a second of one core's time, each of other blocks. */
export function nvmeReadsPerSecond(): number {
  const lab = new NvmeLab();
  const driver = lab.started(0, { entries: 2 * BURST, slotBytes: READ_BYTES });
  const [queue] = driver.ioQueues;
  if (queue === undefined) throw new Error("the controller has no I/O queue");
  for (let index = 0; index < NAMESPACE_READS; index++) {
    driver.io(0, NVME_IO.write, 1, index * BLOCKS_EACH, BLOCKS_EACH, new Uint8Array(READ_BYTES).fill(index & 0xff));
  }
  const seconds: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    let right = 0;
    const started = process.cpuUsage();
    for (let sent = 0; sent < READS_PER_ROUND; sent += BURST) {
      for (let slot = 0; slot < BURST; slot++) {
        const block = ((sent + slot) % NAMESPACE_READS) * BLOCKS_EACH;
        queue.submit(slot, blockCommand(NVME_IO.read, 1, block, BLOCKS_EACH), READ_BYTES);
      }
      queue.ring();
      while (queue.next()) {
        const { commandId } = queue;
        const last = lab.memory.bytes[lab.base(0) + queue.dataAt(commandId) + READ_BYTES - 1];
        if (queue.status === 0 && last === ((sent + commandId) & 0xff)) right++;
      }
      queue.consumed();
    }
    const { user, system } = process.cpuUsage(started);
    if (round >= 0) seconds.push((user + system) / MICROSECONDS);
    if (right !== READS_PER_ROUND) throw new Error(`${right} of ${READS_PER_ROUND} reads were right`);
    // Interrupts are counted by the lab, and not wanted here.
    for (const list of lab.interrupts) list.length = 0;
  }
  return READS_PER_ROUND / median(seconds);
}
