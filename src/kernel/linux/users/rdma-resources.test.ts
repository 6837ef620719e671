import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQueuePairs } from "./rdma-resources.ts";

test("parseQueuePairs leaves out those of the device's own management", () => {
  const printed = JSON.stringify([
    { ifindex: 0, ifname: "mlx5_0", port: 1, lqpn: 0, type: "SMI", state: "RTS", comm: "[ib_core]" },
    { ifindex: 0, ifname: "mlx5_0", port: 1, lqpn: 1, type: "GSI", state: "RTS", comm: "[ib_core]" },
    { ifindex: 0, ifname: "mlx5_0", lqpn: 77, type: "RC", state: "RTS", pid: 5, comm: "ib_send_bw" },
    { ifindex: 0, ifname: "mlx5_0", lqpn: 78, type: "RC", state: "RTS", comm: "[rpcrdma]" },
    null,
  ]);
  assert.deepEqual(parseQueuePairs(printed), [
    { device: "mlx5_0", pid: 5, command: "ib_send_bw", what: "queue pair 77 (RC)" },
    { device: "mlx5_0", pid: undefined, command: "rpcrdma", what: "queue pair 78 (RC)" },
  ]);
  assert.deepEqual(parseQueuePairs(""), []);
  for (const text of ["{}", "rdma: no"]) assert.equal(parseQueuePairs(text), undefined);
});
