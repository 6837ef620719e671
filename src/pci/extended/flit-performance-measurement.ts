import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

const LTSSM_STATUS_REGISTERS = 5;

const LTSSM = {
  status: register(0x00, 32, undefined, "PCIe 6.0 §7.8.12.5", { ltssmPerformance: rawRegister(32) }),
};

/** Flit Performance Measurement: how long flits take to be acknowledged, and how often the link changes state. */
export const FLIT_PERFORMANCE_MEASUREMENT = capability({
  id: 0x33,
  name: "Flit Performance Measurement",
  spec: "PCIe 6.0 §7.8.12",
  table: {
    capability: register(0x04, 32, undefined, "PCIe 6.0 §7.8.12.2", {
      flitPerformanceCapability: rawRegister(32),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.8.12.3", { flitPerformanceControl: rawRegister(32) }),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §7.8.12.4", { flitPerformanceStatus: rawRegister(32) }),
  },
  blocks: () =>
    Array.from({ length: LTSSM_STATUS_REGISTERS }, (_, index) =>
      block({ name: "ltssm", offset: 0x10 + index * 4, table: LTSSM }),
    ),
});
