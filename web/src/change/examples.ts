import connectx from "../../../examples/policies/connectx-switchdev.yaml?raw";
import twoPools from "../../../examples/policies/igb-two-pools.yaml?raw";
import nvme from "../../../examples/policies/nvme-secondaries.yaml?raw";
import virtio from "../../../examples/policies/virtio-net.yaml?raw";
import x710 from "../../../examples/policies/x710.yaml?raw";

/** Documents to begin with: those of the package. */
export const EXAMPLES: ReadonlyArray<{ readonly name: string; readonly words: string; readonly text: string }> = [
  { name: "tenant-net", words: "Intel 82576: a pool for guests, a pool for the host", text: twoPools },
  { name: "x710", words: "Intel X710", text: x710 },
  { name: "switchdev", words: "ConnectX with its switch offloaded", text: connectx },
  { name: "nvme", words: "NVMe: queues and interrupts for each VF", text: nvme },
  { name: "virtio", words: "virtio-net", text: virtio },
];
