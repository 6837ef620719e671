import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseDomain, readDefinedGuests } from "./defined-guests.ts";

const root = mkdtempSync(join(tmpdir(), "vfleet-guests-"));
after(() => rmSync(root, { recursive: true }));

/** In the form of libvirt's formatdomain; libvirt writes such a comment above it. */
const DOMAIN = `<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. <hostdev>
-->
<domain type='kvm'>
  <name>web &amp; db</name>
  <uuid>0e3f9d1c-8b2a-4c6e-9f10-1a2b3c4d5e6f</uuid>
  <metadata><x:name xmlns:x='http://example.com'>other</x:name></metadata>
  <devices>
    <interface type='hostdev' managed='yes'>
      <mac address='52:54:00:6d:90:02'/>
      <source><address type='pci' domain='0x0000' bus='0x3b' slot='0x10' function='0x7'/></source>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='94' slot='2' function='1'/></source>
    </hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>
    </hostdev>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='3'/></source></hostdev>
  </devices>
</domain>
`;

test("parseDomain reads names and the functions of hostdev and interface, not addresses in the guest", async () => {
  assert.deepEqual(await parseDomain(DOMAIN), {
    name: "web & db",
    uuid: "0e3f9d1c-8b2a-4c6e-9f10-1a2b3c4d5e6f",
    functions: ["0000:3b:10.7", "0000:5e:02.1"],
  });
});

test("parseDomain says what is wrong", async () => {
  for (const xml of ["", "<domain>", "<domain><name>a</domain>", "no XML", DOMAIN.slice(0, 500)]) {
    assert.equal(typeof (await parseDomain(xml)), "string", xml);
  }
  assert.equal(await parseDomain("<network/>"), "it names no domain");
});

test("readDefinedGuests reads all, and tells of those that it cannot", async () => {
  assert.deepEqual(await readDefinedGuests(root), { guests: [], gaps: [] });
  mkdirSync(`${root}/etc/libvirt/qemu/networks`, { recursive: true });
  writeFileSync(`${root}/etc/libvirt/qemu/web.xml`, DOMAIN);
  writeFileSync(`${root}/etc/libvirt/qemu/half.xml`, "<domain>");
  mkdirSync(`${root}/etc/libvirt/qemu/folder.xml`);
  const { guests, gaps } = await readDefinedGuests(root);
  assert.deepEqual(
    guests.map(({ name, path }) => [name, path]),
    [["web & db", "/etc/libvirt/qemu/web.xml"]],
  );
  assert.deepEqual(gaps.map(({ way, errno }) => `${way} ${errno}`).sort(), [
    "definedGuests EINVAL",
    "definedGuests EISDIR",
  ]);
});
