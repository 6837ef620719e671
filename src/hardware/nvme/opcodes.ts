/** Commands of the admin queue (NVM Express Base 2.0 §5). */
export const NVME_ADMIN = {
  deleteSq: 0x00,
  createSq: 0x01,
  getLogPage: 0x02,
  deleteCq: 0x04,
  createCq: 0x05,
  identify: 0x06,
  abort: 0x08,
  setFeatures: 0x09,
  getFeatures: 0x0a,
  asyncEventRequest: 0x0c,
  namespaceManagement: 0x0d,
  namespaceAttachment: 0x15,
  virtualizationManagement: 0x1c,
} as const;

/** Commands of I/O queues (Base 2.0 §7; NVM Command Set 1.0 §3.2). */
export const NVME_IO = {
  flush: 0x00,
  write: 0x01,
  read: 0x02,
  compare: 0x05,
  writeZeroes: 0x08,
  datasetManagement: 0x09,
} as const;

/** What Identify tells (Controller or Namespace Structure, Base 2.0 §5.17.1). */
export const NVME_CNS = {
  namespace: 0x00,
  controller: 0x01,
  activeNamespaces: 0x02,
  namespaceDescriptors: 0x03,
  commandSetController: 0x06,
  allocatedNamespaces: 0x10,
  allocatedNamespace: 0x11,
  controllersOfNamespace: 0x12,
  controllers: 0x13,
  primaryCapabilities: 0x14,
  secondaryControllers: 0x15,
} as const;

/** Log pages (Base 2.0 §5.16.1). */
export const NVME_LOG = {
  error: 0x01,
  smart: 0x02,
  firmware: 0x03,
  changedNamespaces: 0x04,
  effects: 0x05,
} as const;

/** Actions of Virtualization Management (Base 2.0 §5.28). */
export const NVME_VIRTUALIZATION = { primaryFlexible: 1, offline: 7, assign: 8, online: 9 } as const;

/** Features (Base 2.0 §5.27.1). */
export const NVME_FEATURE_NUMBER_OF_QUEUES = 0x07;
export const NVME_FEATURE_ASYNC_EVENTS = 0x0b;
export const NVME_ALL_NAMESPACES = 0xffff_ffff;
