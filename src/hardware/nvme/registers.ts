/** Controller properties (NVM Express Base 2.0 §3.1.3), by their offsets in BAR 0; `_HIGH` is the upper half of one. */
export const NVME_REG_CAP = 0x00;
export const NVME_REG_CAP_HIGH = 0x04;
export const NVME_REG_VS = 0x08;
export const NVME_REG_INTMS = 0x0c;
export const NVME_REG_INTMC = 0x10;
export const NVME_REG_CC = 0x14;
export const NVME_REG_CSTS = 0x1c;
export const NVME_REG_AQA = 0x24;
export const NVME_REG_ASQ = 0x28;
export const NVME_REG_ASQ_HIGH = 0x2c;
export const NVME_REG_ACQ = 0x30;
export const NVME_REG_ACQ_HIGH = 0x34;
/** Doorbells (NVMe over PCIe Transport 1.0 §3.1.2): of queue n, its tail at 2n and its head at 2n + 1, in strides. */
export const NVME_REG_DBS = 0x1000;

/** CC: enabled; shut down notification; sizes of queue entries, as powers of two (§3.1.3.5). */
export const NVME_CC_EN = 0x1;
export const NVME_CC_CSS_MASK = 0x70;
export const NVME_CC_MPS_SHIFT = 7;
export const NVME_CC_SHN_NORMAL = 0x4000;
export const NVME_CC_SHN_MASK = 0xc000;
export const NVME_CC_IOSQES_SHIFT = 16;
export const NVME_CC_IOCQES_SHIFT = 20;

/** CSTS: ready; fatal status; shutdown complete (§3.1.3.6). */
export const NVME_CSTS_RDY = 0x1;
export const NVME_CSTS_CFS = 0x2;
export const NVME_CSTS_SHST_CMPLT = 0x8;
export const NVME_CSTS_SHST_MASK = 0xc;

/** Sizes of entries as powers of two: the only ones that the specification requires. */
export const NVME_SQES = 6;
export const NVME_CQES = 4;
export const SQE_BYTES = 1 << NVME_SQES;
export const CQE_BYTES = 1 << NVME_CQES;
