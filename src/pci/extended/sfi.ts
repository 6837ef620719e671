import { capability } from "../capability.ts";
import { register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

/** System Firmware Intermediary: firmware stands between a downstream port and the OS during hot-plug. */
export const SFI = capability({
  id: 0x2c,
  name: "System Firmware Intermediary (SFI)",
  spec: "PCIe 6.0 §7.9.22",
  table: {
    capability: register(0x04, 16, undefined, "PCIe 6.0 §7.9.22.2", { sfiCapability: rawRegister(16) }),
    control: register(0x06, 16, undefined, "PCIe 6.0 §7.9.22.3", { sfiControl: rawRegister(16) }),
    status: register(0x08, 16, undefined, "PCIe 6.0 §7.9.22.4", { sfiStatus: rawRegister(16) }),
    camAddress: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.22.5", {
      sfiCamAddress: rawRegister(32, "the configuration register that SFI CAM Data reaches"),
    }),
    camData: register(0x10, 32, undefined, "PCIe 6.0 §7.9.22.6", { sfiCamData: rawRegister(32) }),
  },
});
