import { capability } from "../capability.ts";
import { register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

/** Shadow Functions: further functions that lend a function their tags. */
export const SHADOW_FUNCTIONS = capability({
  id: 0x2d,
  name: "Shadow Functions",
  spec: "PCIe 6.0 §7.9.25",
  table: {
    capability: register(0x04, 32, undefined, "PCIe 6.0 §7.9.25.2", {
      shadowFunctionsCapability: rawRegister(32),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.9.25.3", { shadowFunctionsControl: rawRegister(32) }),
  },
});
