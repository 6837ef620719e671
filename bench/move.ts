import { type EchoResult, moveByFailover, moveByVfio } from "../src/hardware/guests/testing/echo-traffic.ts";
import { figure, median } from "./figure.ts";

const GUEST_MIB = 32;
const GBIT_PER_SECOND = 1;
/** Pages that the guest's software writes between two frames: how soon rounds come to an end, and by chance at how many pages. */
const LOADS = [1, 2, 3, 4, 6];

/**
 * A guest that answers a frame every 0.4 ms moves over 1 Gb/s, by the model's clock: with its VF's state, and with a failover pair at
 * its best. What the guest's software takes for itself (hot-plug, net_failover, ARP) is not in it: docs/model.md.
 */
export async function moveFigures(): Promise<void> {
  const options = {
    guestBytes: GUEST_MIB * 2 ** 20,
    bytesPerSecond: GBIT_PER_SECOND * 125e6,
    intervalNs: 4e5,
    downtimeMs: 5,
  };
  const vfio: EchoResult[] = [];
  const failover: EchoResult[] = [];
  for (const pagesEach of LOADS) {
    vfio.push(await moveByVfio({ ...options, pagesEach }));
    failover.push(await moveByFailover({ ...options, pagesEach }));
  }
  const of = (results: readonly EchoResult[], value: (result: EchoResult) => number) => median(results.map(value));
  const about = { guestMib: GUEST_MIB, gbitPerSecond: GBIT_PER_SECOND };
  const gaps = [of(vfio, ({ gapMs }) => gapMs), of(failover, ({ gapMs }) => gapMs)] as const;
  figure("move by VFIO, gap, model's clock", gaps[0], "ms", about);
  figure(
    "move by VFIO, frames lost",
    of(vfio, ({ lost }) => lost),
    "frames",
    about,
  );
  figure("move by failover pair, gap, model's clock", gaps[1], "ms", about);
  figure(
    "move by failover pair, frames lost",
    of(failover, ({ lost }) => lost),
    "frames",
    about,
  );
  figure(
    "move by failover pair, without VF",
    of(failover, ({ withoutVfMs }) => withoutVfMs),
    "ms",
    about,
  );
  figure("gap of a move, VFIO / failover pair", gaps[0] / gaps[1], "ratio", about);
}
