import { capability } from "../capability.ts";
import { register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

/** Hierarchy ID: a name for the PCI hierarchy, which a message from its root gives every function. */
export const HIERARCHY_ID = capability({
  id: 0x28,
  name: "Hierarchy ID",
  spec: "PCIe 6.0 §7.9.17",
  table: {
    status: register(0x04, 32, undefined, "PCIe 6.0 §7.9.17.2", { hierarchyIdStatus: rawRegister(32) }),
    data: register(0x08, 32, undefined, "PCIe 6.0 §7.9.17.3", { hierarchyIdData: rawRegister(32) }),
    guid1: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.17.4", { hierarchyIdGuid1: rawRegister(32) }),
    guid2: register(0x10, 32, undefined, "PCIe 6.0 §7.9.17.5", { hierarchyIdGuid2: rawRegister(32) }),
    guid3: register(0x14, 32, undefined, "PCIe 6.0 §7.9.17.6", { hierarchyIdGuid3: rawRegister(32) }),
    guid4: register(0x18, 32, undefined, "PCIe 6.0 §7.9.17.7", { hierarchyIdGuid4: rawRegister(32) }),
    guid5: register(0x1c, 32, undefined, "PCIe 6.0 §7.9.17.8", { hierarchyIdGuid5: rawRegister(32) }),
  },
});
