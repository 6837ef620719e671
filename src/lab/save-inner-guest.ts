/** A program for a lab machine, run when the image is built: boots a guest, and saves it as /out/inner-snapshot. */
import { setTimeout as sleep } from "node:timers/promises";
import { VfleetError } from "../errors/vfleet-error.ts";
import { type InnerGuest, startInnerGuest } from "./inner-guest.ts";

const SAVE_MS = 120_000;
const POLL_MS = 200;

/** Fills it with zeros: such pages are neither saved nor read. What the boot left there would be a quarter of the whole. */
async function clearFreeMemory(guest: InnerGuest): Promise<void> {
  const { exitCode, output } = await guest.run(
    "echo 3 >/proc/sys/vm/drop_caches && mount -t tmpfs -o size=100% zeros /root" +
      " && head -c $(awk '/^MemFree/ { print $2 - 3072 }' /proc/meminfo)k /dev/zero >/root/zeros && umount /root",
  );
  if (exitCode !== 0) throw new VfleetError("VFL-0033", { message: `the guest's memory was not cleared: ${output}` });
}

async function save(guest: InnerGuest, path: string): Promise<void> {
  const addr = { transport: "file", filename: path, offset: 0 };
  await guest.qmp.execute("migrate", { channels: [{ "channel-type": "main", addr }] });
  const giveUp = performance.now() + SAVE_MS;
  for (;;) {
    const answer = (await guest.qmp.execute("query-migrate")) as { status?: string; "error-desc"?: string };
    if (answer.status === "completed") return;
    if (answer.status === "failed" || performance.now() > giveUp) {
      throw new VfleetError("VFL-0033", {
        message: `the guest was not saved: ${answer["error-desc"] ?? answer.status ?? "no status"}`,
      });
    }
    await sleep(POLL_MS);
  }
}

const guest = await startInnerGuest({
  name: "to be saved",
  start: { kind: "boot", kernel: "/boot/vmlinuz", initrd: "/boot/inner-initrd" },
});
try {
  await clearFreeMemory(guest);
  await save(guest, "/out/inner-snapshot");
} finally {
  await guest.stop();
}
