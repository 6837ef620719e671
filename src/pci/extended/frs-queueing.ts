import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** FRS Queueing: a root port keeps the messages in which functions say that they are ready. */
export const FRS_QUEUEING = capability({
  id: 0x21,
  name: "FRS Queueing",
  spec: "PCIe 6.0 §7.8.10",
  table: {
    capability: register(0x04, 32, undefined, "PCIe 6.0 §7.8.10.2", {
      frsQueueMaxDepth: bits(11, 0, "HwInit", "messages"),
      frsInterruptMessageNumber: bits(20, 16, "RO", "MSI or MSI-X vector of received messages"),
    }),
    status: register(0x08, 16, undefined, "PCIe 6.0 §7.8.10.3", {
      frsMessageReceived: bit(0, "RW1C"),
      frsMessageOverflow: bit(1, "RW1C", "a message came while the queue was full, and is lost"),
    }),
    control: register(0x0a, 16, undefined, "PCIe 6.0 §7.8.10.4", {
      frsInterruptEnable: bit(0, "RW"),
    }),
    messageQueue: register(0x0c, 32, undefined, "PCIe 6.0 §7.8.10.5", {
      frsMessageQueueFunctionId: bits(15, 0, "RO", "Requester ID of the oldest message; a read takes it off the queue"),
      frsMessageQueueReason: bits(19, 16, "RO", "code of what the function has completed"),
      frsMessageQueueDepth: bits(31, 20, "RO", "messages in the queue; 0: there is none"),
    }),
  },
});
