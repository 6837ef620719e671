/** Words of the EEPROM that igb reads (igb/e1000_hw.h, e1000_nvm.h: `NVM_...`). */
const NVM_COMPAT = 0x03;
const NVM_PBA_OFFSET_0 = 0x08;
const NVM_PBA_OFFSET_1 = 0x09;
const NVM_INIT_CONTROL1_REG = 0x0a;
const NVM_DEVICE_ID = 0x0d;
const NVM_INIT_CONTROL2_REG = 0x0f;
const NVM_EEPROM_SIZING = 0x12;
const NVM_INIT_CONTROL3_PORT_B = 0x14;
const NVM_INIT_CONTROL3_PORT_A = 0x24;
const NVM_VF_DEVICE_ID = 0x26;
const NVM_CHECKSUM_REG = 0x3f;
/** All words up to the checksum, it included, add up to this (igb_validate_nvm_checksum). */
const NVM_SUM = 0xbaba;
const WORDS = 256;
/** No APM wake-up, LAN not disabled. */
const CONTROL3 = 0x0001;

/** The words of an 82576's EEPROM, with what igb reads of them: the address, two device IDs, the checksum. */
export function eeprom82576(macAddress: Uint8Array): Uint16Array {
  const words = new Uint16Array(WORDS).fill(0xffff);
  words.fill(0, 0, NVM_CHECKSUM_REG);
  for (let word = 0; word < 3; word++) {
    words[word] = (macAddress[word * 2] as number) | ((macAddress[word * 2 + 1] as number) << 8);
  }
  words[NVM_COMPAT] = 0x0d34;
  words[NVM_PBA_OFFSET_0] = 0x1040;
  words[NVM_PBA_OFFSET_1] = 0xffff;
  words[NVM_INIT_CONTROL1_REG] = 0x002b;
  words[NVM_DEVICE_ID] = 0x10c9;
  words[NVM_INIT_CONTROL2_REG] = 0x70c3;
  words[NVM_EEPROM_SIZING] = 0x5c00;
  words[NVM_INIT_CONTROL3_PORT_A] = CONTROL3;
  words[NVM_INIT_CONTROL3_PORT_B] = CONTROL3;
  words[NVM_VF_DEVICE_ID] = 0x10ca;
  const sum = words.subarray(0, NVM_CHECKSUM_REG).reduce((total, word) => total + word, 0);
  words[NVM_CHECKSUM_REG] = NVM_SUM - sum;
  return words;
}

const EERD_START = 0x1;
const EERD_DONE = 0x2;

/** What EERD says after `value` was written to it (igb_read_nvm_eerd). */
export function readEeprom(words: Uint16Array, value: number): number {
  const address = (value >>> 2) & 0x3fff;
  if ((value & EERD_START) === 0 || address >= words.length) return (address << 2) >>> 0;
  return (((words[address] as number) << 16) | (address << 2) | EERD_DONE) >>> 0;
}
