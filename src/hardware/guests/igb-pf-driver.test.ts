import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS } from "../clock.ts";
import { E1000 } from "../nic/registers-82576.ts";
import { BROADCAST, CardWithGuests, vfAddress } from "../nic/testing/card-with-guests.ts";

const ASSIGNED = Uint8Array.of(0x02, 0x11, 0x22, 0x33, 0x44, 0x55);
const OTHER = Uint8Array.of(0x02, 0x66, 0x77, 0x88, 0x99, 0xaa);
const ZERO = new Uint8Array(6);
const VMBMEM = 0x800;
const V2P = 0xc40;

/** A VF's message by hand, as a driver other than igbvf might send it. @returns the answer's first word */
function request(lab: CardWithGuests, vf: number, words: readonly number[]): number {
  const device = lab.card.vf(vf);
  device.writeBar(0, V2P, 4, 4);
  words.forEach((word, index) => {
    device.writeBar(0, VMBMEM + index * 4, 4, word);
  });
  device.writeBar(0, V2P, 4, 1);
  const answer = device.readBar(0, VMBMEM, 4);
  device.writeBar(0, V2P, 4, 2);
  return answer;
}

test("igb_enable_sriov allows seven VFs, and makes the pool after them the PF's", () => {
  const lab = new CardWithGuests({ numVfs: 0 });
  assert.equal(lab.setNumVfs(8), "EPERM");
  assert.equal(lab.setNumVfs(7), undefined);
  assert.equal((lab.card.read(E1000.VT_CTL) >>> 7) & 7, 7);
  assert.equal(lab.card.read(E1000.RAH) >>> 18, (0x8000_0000 >>> 18) | (1 << 7));
  // Spoof checks of all but the PF (igb_vmdq_set_anti_spoofing_pf).
  assert.equal(lab.card.read(E1000.DTXSWC), 0x8000_7f7f);
  assert.equal(lab.card.read(E1000.MRQC) & 7, 3);
  assert.deepEqual(lab.pf.vfs?.config(6), {
    address: ZERO,
    addressIsSet: false,
    vlan: 0,
    qos: 0,
    maxTxRateMbps: 0,
    spoofChecked: true,
    trusted: false,
  });
  assert.equal(lab.pf.vfs?.config(7), undefined);
  assert.equal(lab.setNumVfs(0), undefined);
  assert.equal(lab.pf.vfs, undefined);
  assert.ok(lab.log.includes("IOV Disabled"));
  assert.equal(lab.card.read(E1000.MRQC) & 7, 2);
});

test("an address that the PF assigns is the VF's after its reset, and the VF cannot change it unless trusted", () => {
  const lab = new CardWithGuests({ numVfs: 2 });
  const [vf] = lab.vfs;
  assert.equal(lab.pf.vfs?.setMac(0, ASSIGNED), undefined);
  assert.ok(lab.log.includes("setting MAC 02:11:22:33:44:55 on VF 0"));
  vf?.close();
  vf?.probe();
  assert.deepEqual(vf?.address, ASSIGNED);
  assert.equal(vf?.setAddress(OTHER), false);
  assert.deepEqual(vf?.address, ASSIGNED);
  assert.ok(lab.log.includes("VF 0 attempted to override administratively set MAC address"));
  assert.equal(lab.pf.vfs?.setTrust(0, true), undefined);
  assert.equal(vf?.setAddress(OTHER), true);
  assert.deepEqual(lab.pf.vfs?.config(0)?.address, OTHER);
  assert.equal(lab.pf.vfs?.setMac(0, ZERO), undefined);
  assert.ok(lab.log.includes("remove administratively set MAC on VF 0"));
  assert.equal(lab.pf.vfs?.setMac(0, BROADCAST), "EINVAL");
  assert.equal(lab.pf.vfs?.setMac(2, OTHER), "EINVAL");
});

test("a VF without address is answered NACK, and makes one up (igb_vf_reset_msg, igbvf_probe)", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  assert.ok(lab.log.includes("VF 0: MAC address not assigned by administrator."));
  assert.deepEqual(lab.vfs[0]?.address, vfAddress(0));
  assert.deepEqual(lab.pf.vfs?.config(0)?.address, vfAddress(0));
  // igb_vf_reset_event forgets it when the VF is reset.
  lab.card.vf(0).reset("flr");
  assert.deepEqual(lab.pf.vfs?.config(0)?.address, ZERO);
});

test("with a port VLAN a VF's own are refused, and it has none left that it had (igb_set_vf_vlan_msg, igb_vf_reset)", () => {
  const lab = new CardWithGuests({ numVfs: 2 });
  const [vf] = lab.vfs;
  assert.equal(vf?.setVlan(5, true), true);
  const members = (vid: number) =>
    Array.from({ length: 32 }, (_, entry) => lab.card.read(E1000.VLVF + entry * 4))
      .filter((vlvf) => (vlvf & 0xfff) === vid && vlvf >>> 31 === 1)
      .map((vlvf) => (vlvf >>> 12) & 0xff);
  assert.deepEqual(members(5), [1]);
  assert.equal(lab.pf.vfs?.setVlan(0, 9, 5), undefined);
  assert.deepEqual(members(9), [1]);
  assert.equal(vf?.setVlan(6, true), false);
  assert.ok(lab.log.includes("VF 0 attempted to override administratively set VLAN tag"));
  assert.equal(lab.card.read(E1000.VMVIR), 0x4000_a009);
  vf?.reset();
  assert.deepEqual(members(5), []);
  assert.deepEqual(members(9), [1]);
  assert.equal(lab.pf.vfs?.config(0)?.qos, 5);
  assert.equal(lab.pf.vfs?.setVlan(0, 4096, 0), "EINVAL");
  assert.equal(lab.pf.vfs?.setVlan(0, 1, 8), "EINVAL");
  assert.equal(lab.pf.vfs?.setVlan(0, 1, 0, 0x88a8), "EPROTONOSUPPORT");
});

test("VLVF has room for 31 VLANs beside VLAN 0; the next is refused", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  for (let vid = 1; vid <= 31; vid++) assert.equal(lab.vfs[0]?.setVlan(vid, true), true, `${vid}`);
  assert.equal(lab.vfs[0]?.setVlan(32, true), false);
  assert.equal(lab.pf.vfs?.setVlan(0, 33, 0), "ENOSPC");
  assert.equal(lab.vfs[0]?.setVlan(7, false), true);
  assert.equal(lab.vfs[0]?.setVlan(32, true), true);
});

test("further addresses: as many as are left over, denied where the PF set the address (igb_set_vf_mac_filter)", () => {
  const lab = new CardWithGuests({ numVfs: 2 });
  const add = (last: number) => request(lab, 0, [0x0002_0002, 0x3322_1102, 0x5500 | last]);
  const accepted = Array.from({ length: 30 }, (_, last) => add(last)).filter((answer) => answer >>> 31 === 1);
  assert.equal(accepted.length, 24 - 1 - 3 - 2);
  assert.equal(request(lab, 0, [0x0001_0002, 0x3322_1102, 0x5500]) >>> 28, 0xa);
  assert.equal(add(1) >>> 28, 0xa, "ACK and CTS");
  lab.pf.vfs?.setMac(0, ASSIGNED);
  assert.equal(add(2) >>> 28, 0x6, "NACK and CTS");
  assert.ok(lab.log.includes("VF 0 requested MAC filter but is administratively denied"));
});

test("multicast promiscuity is a VF's for the asking, other promiscuity is not (igb_set_vf_promisc)", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  assert.equal(request(lab, 0, [0x0002_0006]) >>> 28, 0xa);
  assert.equal(lab.card.read(E1000.VMOLR) & 0x1600_0000, 0x1000_0000);
  assert.equal(request(lab, 0, [0x0001_0006]) >>> 28, 0x6);
  assert.equal(lab.card.read(E1000.VMOLR) & 0x1600_0000, 0);
  assert.equal(request(lab, 0, [0x0000_0042]) >>> 28, 0x6);
  assert.ok(lab.log.includes("Unhandled Msg 00000042"));
});

test("before its reset message a VF gets no answer but NACK, and that every two seconds only", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  lab.card.vf(0).reset("flr");
  assert.equal(request(lab, 0, [0x0000_0005, 1500]), 5, "no answer: the message is still there");
  lab.clock.advance(2001 * NS_PER_MS);
  assert.equal(request(lab, 0, [0x0000_0005, 1500]), 0x4000_0005);
});

test("rates: a minimum, more than the link has, or a link that is down are EINVAL (igb_ndo_set_vf_bw)", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  assert.equal(lab.pf.vfs?.setRate(0, 1, 100), "EINVAL");
  assert.equal(lab.pf.vfs?.setRate(0, 0, 1001), "EINVAL");
  assert.equal(lab.pf.vfs?.setRate(1, 0, 100), "EINVAL");
  assert.equal(lab.pf.vfs?.setRate(0, 0, 100), undefined);
  assert.equal(lab.pf.vfs?.config(0)?.maxTxRateMbps, 100);
  lab.card.carrier = false;
  assert.equal(lab.pf.vfs?.setRate(0, 0, 100), "EINVAL");
});

test("when the PF goes down VFs lose their link, and come back by themselves after it is up (RSTI, RSTD)", () => {
  const lab = new CardWithGuests({ numVfs: 1 });
  const [vf] = lab.vfs;
  assert.equal(vf?.watchdog(), true);
  lab.pf.close();
  assert.equal(vf?.watchdog(), false);
  lab.pf.vfs?.setVlan(0, 3, 0);
  assert.ok(lab.log.includes("The VF VLAN has been set, but the PF device is not up."));
  lab.pf.open();
  lab.clock.advance(600 * NS_PER_MS);
  assert.equal(vf?.watchdog(), false, "it must reset itself first");
  vf?.close();
  vf?.open();
  assert.equal(vf?.watchdog(), true);
});

test("a VF that may not be as it was elsewhere is as after its reset: nothing of what it asked for stays", () => {
  const lab = new CardWithGuests({ numVfs: 2 });
  const control = lab.pf.vfs;
  assert.equal(control?.setMac(0, ASSIGNED), undefined);
  lab.card.vf(0).reset("flr");
  const registers = () => [E1000.VFRE, E1000.VFTE, E1000.VMOLR].map((register) => lab.card.read(register));
  const before = registers();
  assert.equal((before[0] ?? 0) & 1, 0);
  const [setMaximumFrame, setMac] = [0x05, 0x02];
  const messages = [
    [setMaximumFrame, 9018],
    [setMac, OTHER[0] as number, 0],
  ];
  assert.match(control?.requests.assume(0, messages) ?? "", /does not let VF 0 have its MAC address/);
  assert.deepEqual(registers(), before);
  assert.deepEqual(control?.config(0)?.address, ASSIGNED);
  assert.equal(control?.requests.assume(0, messages.slice(0, 1)), undefined);
  assert.notDeepEqual(registers(), before);
});
