import type { DevlinkRate, DevlinkRateChange } from "../port-devlink.ts";
import type { DevlinkDevice, DevlinkRateItem, NodeRateOperations, RateOperations } from "./devlink-device.ts";
import { newRate } from "./devlink-device.ts";
import { KernelError } from "./kernel-error.ts";

// net/devlink/rate.c

/** `devlink_nl_rate_fill` */
export function rateOf({ handle }: DevlinkDevice, rate: DevlinkRateItem): DevlinkRate {
  return {
    object: `${handle}/${rate.name}`,
    type: rate.type,
    txShare: rate.txShare,
    txMax: rate.txMax,
    txPriority: rate.txPriority || null,
    txWeight: rate.txWeight || null,
    parent: rate.parent?.name ?? null,
  };
}

/** `devlink_nl_rate_new_doit` */
export function addRate(device: DevlinkDevice, name: string, change: DevlinkRateChange): void {
  const { nodeRates } = device.operations;
  if (nodeRates === undefined) throw new KernelError("EOPNOTSUPP", { extack: "Rate nodes aren't supported" });
  checkSupported(nodeRates, change);
  if (findNode(device, name) !== undefined) throw new KernelError("EEXIST");
  const node = newRate("node", name);
  nodeRates.create(node);
  try {
    applyRate(device, node, nodeRates, change);
  } catch (error) {
    nodeRates.remove(node);
    throw error;
  }
  device.rates.unshift(node);
}

/** `devlink_nl_rate_set_doit`. @param name a port's index, or a node's name */
export function setRate(device: DevlinkDevice, name: string, change: DevlinkRateChange): void {
  const rate = device.rates.find((each) => each.name === name);
  if (rate === undefined) throw new KernelError("ENODEV");
  const { leafRates = {}, nodeRates = {} } = device.operations;
  const operations: RateOperations = rate.type === "leaf" ? leafRates : nodeRates;
  const { txShare = rate.txShare, txMax = rate.txMax } = change;
  // iproute2 has looked at what there is before it asks the kernel (`cmd_port_fn_rate_set`).
  if (txMax !== 0 && txShare > txMax) throw new KernelError("EINVAL", { extack: "tx_share is above tx_max" });
  checkSupported(operations, change);
  applyRate(device, rate, operations, change);
}

/** `devlink_nl_rate_del_doit` */
export function deleteRate(device: DevlinkDevice, name: string): void {
  const node = findNode(device, name);
  if (node === undefined) throw new KernelError("ENODEV");
  if (device.rates.some(({ parent }) => parent === node)) {
    throw new KernelError("EBUSY", { extack: "Node has children. Cannot delete node" });
  }
  (device.operations.nodeRates as NodeRateOperations).remove(node);
  device.rates.splice(device.rates.indexOf(node), 1);
}

function findNode({ rates }: DevlinkDevice, name: string): DevlinkRateItem | undefined {
  return rates.find((rate) => rate.type === "node" && rate.name === name);
}

/** `devlink_rate_set_ops_supported`, before anything is set. */
function checkSupported(operations: RateOperations, change: DevlinkRateChange): void {
  const missing =
    (change.txShare !== undefined && operations.setTxShare === undefined) ||
    (change.txMax !== undefined && operations.setTxMax === undefined) ||
    (change.parent !== undefined && operations.setParent === undefined) ||
    (change.txPriority !== undefined && operations.setTxPriority === undefined) ||
    (change.txWeight !== undefined && operations.setTxWeight === undefined);
  if (missing) throw new KernelError("EOPNOTSUPP");
}

/** `devlink_nl_rate_set`: what was set before one is refused stays. */
function applyRate(
  device: DevlinkDevice,
  rate: DevlinkRateItem,
  operations: RateOperations,
  { txShare, txMax, txPriority, txWeight, parent }: DevlinkRateChange,
): void {
  if (txShare !== undefined) {
    operations.setTxShare?.(rate, txShare);
    rate.txShare = txShare;
  }
  if (txMax !== undefined) {
    operations.setTxMax?.(rate, txMax);
    rate.txMax = txMax;
  }
  if (txPriority !== undefined) {
    operations.setTxPriority?.(rate, txPriority);
    rate.txPriority = txPriority;
  }
  if (txWeight !== undefined) {
    operations.setTxWeight?.(rate, txWeight);
    rate.txWeight = txWeight;
  }
  if (parent !== undefined) setParent(device, rate, operations, parent);
}

/** `devlink_nl_rate_parent_node_set` */
function setParent(
  device: DevlinkDevice,
  rate: DevlinkRateItem,
  operations: RateOperations,
  name: string | null,
): void {
  if (name === null) {
    if (rate.parent === undefined) return;
    operations.setParent?.(rate, undefined);
    rate.parent = undefined;
    return;
  }
  const parent = findNode(device, name);
  if (parent === undefined) throw new KernelError("ENODEV");
  if (parent === rate) throw new KernelError("EINVAL", { extack: "Parent to self is not allowed" });
  for (let above = parent.parent; above !== undefined; above = above.parent) {
    if (above === rate) throw new KernelError("EEXIST", { extack: "Node is already a parent of parent node" });
  }
  operations.setParent?.(rate, parent);
  rate.parent = parent;
}
