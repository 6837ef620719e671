import { E1000 } from "../nic/registers-82576.ts";
import type { Mmio } from "./mmio.ts";

const E1000_CTRL_EXT_PFRSTD = 0x4000;
const E1000_CTRL_EXT_DRV_LOAD = 0x1000_0000;
const E1000_MDIC_OP_WRITE = 0x0400_0000;
const E1000_MDIC_OP_READ = 0x0800_0000;
const MDIC_PHY_1 = 1 << 21;
const BMCR_POWER_DOWN = 0x0800;
/** BMCR: negotiate anew (igb_copper_link_autoneg). */
const BMCR_RESTART_AUTONEGOTIATION = 0x1340;
const E1000_RCTL_EN = 0x0000_0002;
const E1000_RCTL_LPE = 0x0000_0020;
const E1000_RCTL_BAM = 0x0000_8000;
const E1000_RCTL_SECRC = 0x0400_0000;
const E1000_TCTL_EN = 0x0000_0002;
const E1000_TCTL_PSP = 0x0000_0008;
const E1000_TCTL_CT = 0x0000_0ff0;
const E1000_TCTL_RTLC = 0x0100_0000;
const COLLISION_THRESHOLD = 15 << 4;
const E1000_RXCSUM_CRCOFL = 0x0800;
const E1000_RXCSUM_PCSD = 0x2000;
const E1000_MRQC_ENABLE_RSS_MQ = 0x2;
const E1000_MRQC_ENABLE_VMDQ = 0x3;
const E1000_VT_CTL_DEFAULT_POOL_SHIFT = 7;
const E1000_VT_CTL_DEFAULT_POOL_MASK = 0x380;
const E1000_VT_CTL_DISABLE_DEF_POOL = 0x2000_0000;
const E1000_VT_CTL_VM_REPL_EN = 0x4000_0000;
const E1000_DTXSWC_SPOOF_MASK = 0xffff;
const E1000_DTXSWC_VMDQ_LOOPBACK_EN = 0x8000_0000;
const E1000_DTXCTL_VLAN_ADDED = 0x8;
const E1000_RPLOLR_STRVLAN = 0x4000_0000;
const E1000_GPIE = 0xc000_0011;
const E1000_IVAR_VALID = 0x80;
export const E1000_ICR_LSC = 0x4;
export const E1000_ICR_VMMB = 0x100;
export const E1000_ICR_DOUTSYNC = 0x1000_0000;
const E1000_ICR_DRSTA = 0x4000_0000;
export const OTHER_VECTOR = 0;
const RING_VECTOR = 1;
export const VECTOR_BITS = 0x3;
/** About 6000 interrupts a second. */
const IGB_START_ITR = 648;
const UTA_WORDS = 128;

/** igb_get_hw_control: the firmware leaves the card to the driver. */
export function takeControl(mmio: Mmio): void {
  mmio.write32(E1000.CTRL_EXT, mmio.read32(E1000.CTRL_EXT) | E1000_CTRL_EXT_DRV_LOAD);
}

/** VFs may talk to the PF again. */
export function announceResetDone(mmio: Mmio): void {
  mmio.write32(E1000.CTRL_EXT, mmio.read32(E1000.CTRL_EXT) | E1000_CTRL_EXT_PFRSTD);
}

export function negotiateLink(mmio: Mmio): void {
  writeBmcr(mmio, BMCR_RESTART_AUTONEGOTIATION);
}

/** igb_power_up_link, igb_power_down_link: an interface that is down has no link. */
export function powerLink(mmio: Mmio, on: boolean): void {
  mmio.write32(E1000.MDIC, E1000_MDIC_OP_READ | MDIC_PHY_1);
  const bmcr = mmio.read32(E1000.MDIC) & 0xffff;
  writeBmcr(mmio, on ? bmcr & ~BMCR_POWER_DOWN : bmcr | BMCR_POWER_DOWN);
}

function writeBmcr(mmio: Mmio, value: number): void {
  mmio.write32(E1000.MDIC, E1000_MDIC_OP_WRITE | MDIC_PHY_1 | value);
}

/** igb_setup_tctl. */
export function setupTransmitControl(mmio: Mmio): void {
  mmio.write32(E1000.TXDCTL, 0);
  const kept = mmio.read32(E1000.TCTL) & ~E1000_TCTL_CT;
  mmio.write32(E1000.TCTL, (kept | E1000_TCTL_PSP | E1000_TCTL_RTLC | COLLISION_THRESHOLD | E1000_TCTL_EN) >>> 0);
}

/** igb_setup_mrqc and igb_vmm_control. */
export function setupQueues(mmio: Mmio, pool: number, hasVfs: boolean): void {
  mmio.write32(E1000.RXCSUM, mmio.read32(E1000.RXCSUM) | E1000_RXCSUM_PCSD | E1000_RXCSUM_CRCOFL);
  mmio.write32(E1000.DTXCTL, mmio.read32(E1000.DTXCTL) | E1000_DTXCTL_VLAN_ADDED);
  mmio.write32(E1000.RPLOLR, (mmio.read32(E1000.RPLOLR) | E1000_RPLOLR_STRVLAN) >>> 0);
  const vtctl = mmio.read32(E1000.VT_CTL);
  const dtxswc = mmio.read32(E1000.DTXSWC);
  if (!hasVfs) {
    mmio.write32(E1000.DTXSWC, (dtxswc & ~E1000_DTXSWC_VMDQ_LOOPBACK_EN) >>> 0);
    mmio.write32(E1000.VT_CTL, vtctl & ~E1000_VT_CTL_VM_REPL_EN);
    mmio.write32(E1000.MRQC, E1000_MRQC_ENABLE_RSS_MQ);
    return;
  }
  const kept = vtctl & ~(E1000_VT_CTL_DEFAULT_POOL_MASK | E1000_VT_CTL_DISABLE_DEF_POOL);
  mmio.write32(E1000.VT_CTL, (kept | (pool << E1000_VT_CTL_DEFAULT_POOL_SHIFT) | E1000_VT_CTL_VM_REPL_EN) >>> 0);
  // igb_vmdq_set_anti_spoofing_pf: the PF may send as anybody.
  const spoofing = E1000_DTXSWC_SPOOF_MASK & ~((1 << pool) | (1 << (pool + 8)));
  mmio.write32(E1000.DTXSWC, (dtxswc | E1000_DTXSWC_VMDQ_LOOPBACK_EN | spoofing) >>> 0);
  mmio.write32(E1000.MRQC, E1000_MRQC_ENABLE_VMDQ);
}

/** igb_setup_rctl. */
export function setupReceiveControl(mmio: Mmio, hasVfs: boolean): void {
  const rctl = mmio.read32(E1000.RCTL);
  mmio.write32(E1000.RXDCTL, 0);
  if (hasVfs) mmio.write32(E1000.QDE, 0xffff);
  mmio.write32(E1000.RCTL, rctl | E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_SECRC | E1000_RCTL_LPE);
}

/** igb_configure_msix: vector 0 for all but the queue. */
export function configureMsix(mmio: Mmio, pool: number): void {
  mmio.write32(E1000.GPIE, E1000_GPIE);
  mmio.write32(E1000.IVAR_MISC, (OTHER_VECTOR | E1000_IVAR_VALID) << 8);
  const entry = RING_VECTOR | E1000_IVAR_VALID;
  const register = E1000.IVAR0 + pool * 4;
  mmio.write32(register, (mmio.read32(register) & 0xffff_0000) | entry | (entry << 8));
  mmio.write32(E1000.EITR + RING_VECTOR * 4, IGB_START_ITR);
}

/** igb_irq_enable. */
export function enableInterrupts(mmio: Mmio, hasVfs: boolean): void {
  mmio.write32(E1000.EIAC, mmio.read32(E1000.EIAC) | VECTOR_BITS);
  mmio.write32(E1000.EIAM, mmio.read32(E1000.EIAM) | VECTOR_BITS);
  mmio.write32(E1000.EIMS, VECTOR_BITS);
  if (hasVfs) mmio.write32(E1000.MBVFIMR, 0xff);
  const mailbox = !hasVfs ? 0 : E1000_ICR_VMMB;
  mmio.write32(E1000.IMS, E1000_ICR_LSC | E1000_ICR_DOUTSYNC | E1000_ICR_DRSTA | mailbox);
}

/** All unicast addresses that no other filter has, or none of them. */
export function setUta(mmio: Mmio, on: boolean): void {
  for (let word = 0; word < UTA_WORDS; word++) mmio.write32(E1000.UTA + word * 4, on ? 0xffff_ffff : 0);
}
