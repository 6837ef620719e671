/** Lines of the kernel log, each about one fault. What has no device is about none. */
const LINES: readonly RegExp[] = [
  // dmar_fault_do_one (drivers/iommu/intel/dmar.c). Before Linux 5.4 "dmar: DMAR:[DMA Read] Request device [..]", and of
  // interrupts "INTR-REMAP: Request device [[..]".
  /\b(?:DMAR|INTR-REMAP)\b.*Request device \[+((?:[0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\]/,
  // iommu_print_event (drivers/iommu/amd/iommu.c), of a device that it does not know. A device that does not answer an
  // invalidation is no fault of a request.
  /AMD-Vi: Event logged \[(?!IOTLB_INV_TIMEOUT)\w+ device=((?:[0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/,
  // amd_iommu_report_page_fault: a message of the device's own.
  /\s([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]): AMD-Vi: Event logged \[(?!IOTLB_INV_TIMEOUT)\w+ /,
];
/** arm_smmu_dump_event (drivers/iommu/arm/arm-smmu-v3): from Linux 6.15 on a line with the name, behind the record. */
const SMMU_RECORD = /arm-smmu-v3 (\S+): event 0x[0-9a-f]+ received:/;
const SMMU_DWORD = /arm-smmu-v3 \S+: \s*0x([0-9a-f]{8}) ?[0-9a-f]{8}$/;
const SMMU_NAMED = /arm-smmu-v3 \S+: event: \S+ client: (.+) sid: (0x[0-9a-f]+)/;

/**
 * Finds the faults of IOMMUs in the kernel log, given in parts as it comes. A device is as the line has it: an address, of VT-d
 * without the domain; of an SMMU whose line has no name the StreamID (`sid 0x100`), as which device has it is not said there.
 */
export class IommuFaultLines {
  /** Of an SMMU's record that was not counted yet: its first line, then its StreamID. */
  #record: { sid: string | undefined } | undefined;
  /** It was counted by its StreamID when a part ended: a name that comes behind would count it again. */
  #isCounted = false;

  /** The device of each fault. */
  take(lines: readonly string[]): readonly string[] {
    const devices: string[] = [];
    for (const line of lines) {
      const device = deviceOf(line);
      if (device !== undefined) devices.push(device);
      else devices.push(...this.#takeSmmu(line));
    }
    if (this.#record?.sid !== undefined) {
      devices.push(...this.#count());
      this.#isCounted = true;
    }
    return devices;
  }

  #takeSmmu(line: string): readonly string[] {
    if (!line.includes("arm-smmu-v3")) return [];
    if (SMMU_RECORD.test(line)) {
      const before = this.#count();
      this.#isCounted = false;
      this.#record = { sid: undefined };
      return before;
    }
    const [, client, sid] = SMMU_NAMED.exec(line) ?? [];
    if (client !== undefined) {
      const isCounted = this.#isCounted;
      this.#isCounted = false;
      this.#record = undefined;
      return isCounted ? [] : [client.startsWith("(") ? `sid ${sid}` : client];
    }
    const high = SMMU_DWORD.exec(line)?.[1];
    // StreamID: bits 63:32 of the first (SMMUv3 §7.3).
    if (this.#record && high !== undefined) this.#record.sid ??= `sid 0x${Number.parseInt(high, 16).toString(16)}`;
    return [];
  }

  #count(): readonly string[] {
    const sid = this.#record?.sid;
    this.#record = undefined;
    return sid === undefined ? [] : [sid];
  }
}

function deviceOf(line: string): string | undefined {
  for (const pattern of LINES) {
    const device = pattern.exec(line)?.[1];
    if (device !== undefined) return device;
  }
  return undefined;
}
