/** What is written for libvirt, judged by libvirt's own schemas and by virsh with its test driver. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  aliasOf,
  deviceXml,
  networkFor,
  networkXml,
  parseDomainXml,
  standbyXml,
} from "../../src/guests/libvirt/device-xml.ts";
import { libvirtGuests } from "../../src/guests/libvirt/libvirt-guests.ts";
import { type Attachment, holderOf, type VfForGuest } from "../../src/host/guest-port.ts";
import { openSource } from "../../src/kernel/open-source.ts";
import { isUnread } from "../../src/kernel/port.ts";
import { bdf } from "../../src/pci/bdf.ts";
import { requireTool } from "../require-tool.ts";

const VF = bdf("0000:3b:1f.7");
const OTHER = bdf("0001:af:00.1");
const MAC = "02:00:00:00:00:0a";

const DEVICES = {
  nic: deviceXml({ bdf: VF, managed: true, network: { mac: MAC, vlan: 100 } }),
  unmanaged: deviceXml({ bdf: VF, managed: false, network: { mac: null, vlan: null } }),
  disk: deviceXml({ bdf: OTHER, managed: true, network: null }),
  failover: deviceXml({ bdf: VF, managed: true, network: { mac: MAC, vlan: null }, standby: "ua-backup0" }),
  standby: standbyXml({ alias: "ua-backup0", mac: MAC, network: "default" }),
};

/** A domain that is complete, with these devices. */
function domain(name: string, ...devices: readonly string[]): string {
  const uuid = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
  return `<domain type="qemu"><name>${name}</name><uuid>${uuid}</uuid><memory unit="MiB">512</memory><vcpu>1</vcpu>
<os><type arch="x86_64" machine="q35">hvm</type></os><devices>${devices.join("")}</devices></domain>`;
}

describe("libvirt", { skip: requireTool("virsh") || requireTool("virt-xml-validate") }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "vfleet-libvirt-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function run(program: string, ...args: string[]): { readonly status: number | null; readonly output: string } {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    return { status, output: stdout + stderr };
  }
  function write(name: string, text: string): string {
    const path = join(folder, `${name}.xml`);
    writeFileSync(path, text);
    return path;
  }

  for (const [name, device] of Object.entries(DEVICES)) {
    test(`a domain with ${name} is valid, and virsh defines it`, () => {
      const devices = name === "failover" ? [device, DEVICES.standby] : [device];
      const path = write(name, domain(name, ...devices));
      const validated = run("virt-xml-validate", path, "domain");
      assert.equal(validated.status, 0, validated.output);
      const defined = run("virsh", "-c", "test:///default", "define", "--validate", path);
      assert.equal(defined.status, 0, defined.output);
    });
  }

  test("what is wrong is seen as wrong: the schema is looked at", () => {
    const path = write("wrong", domain("wrong", DEVICES.nic.replace("hostdev", "hostdevice")));
    assert.notEqual(run("virt-xml-validate", path, "domain").status, 0);
  });

  test("networks that give each guest a VF are valid, of a PF and of addresses", () => {
    for (const from of [{ pfNetdev: "ens3f0" }, { vfs: [VF, OTHER] }]) {
      const path = write("network", networkXml({ name: "vf-pool", from, vlan: 42 }));
      const validated = run("virt-xml-validate", path, "network");
      assert.equal(validated.status, 0, validated.output);
      const defined = run("virsh", "-c", "test:///default", "net-define", "--validate", path);
      assert.equal(defined.status, 0, defined.output);
    }
  });

  test("a domain is read back as it was written, names with markup in them, too", () => {
    const read = parseDomainXml(domain("a&amp;b", DEVICES.nic, DEVICES.disk, DEVICES.standby));
    assert.equal(read.name, "a&b");
    assert.deepEqual(
      read.devices.map(({ bdf: address, alias }) => [address, alias]),
      [
        [OTHER, aliasOf(OTHER)],
        [VF, aliasOf(VF)],
      ],
    );
    assert.deepEqual(read.macs, [MAC, MAC]);
    assert.match(networkXml({ name: "a<b&c", from: { vfs: [] } }), /<name>a&lt;b&amp;c<\/name>/);
    assert.throws(() => parseDomainXml("<domain><name>"), { code: "VFL-0426" });
    assert.throws(() => parseDomainXml("<network/>"), { code: "VFL-0426" });
  });

  test("a tag that libvirt cannot set stays the PF's: the VF is plugged in as any device", () => {
    const nic = (qos: number, protocol: string) =>
      networkFor({ isNetwork: true, mac: MAC, vlan: { id: 100, qos, protocol } });
    assert.deepEqual(nic(0, "802.1Q"), { mac: MAC, vlan: 100 });
    assert.equal(nic(5, "802.1Q"), null);
    assert.equal(nic(0, "802.1ad"), null);
    assert.equal(networkFor({ isNetwork: false, mac: null, vlan: null }), null);
  });

  describe("the guests of a connection", () => {
    const vf: VfForGuest = {
      bdf: VF,
      driver: "vfio-pci",
      iommuGroup: 40,
      netdev: null,
      isNetwork: true,
      mac: MAC,
      vlan: null,
      pfOnVfio: false,
      attachment: {},
    };

    const given = (place: string, managed: boolean) => ({
      ...{ bdf: VF, deviceId: aliasOf(VF), byVfleet: true, place },
      ...(managed ? { managed } : {}),
    });
    /** As the test driver starts with it: running and persistent, where nothing else is said. */
    const inState = (state: string, xml: string) =>
      xml
        .replace("<domain ", '<domain xmlns:test="http://libvirt.org/schemas/domain/test/1.0" ')
        .replace("</domain>", `${state}</domain>`);

    /** A host of libvirt's test driver, with these domains (virsh's test:///PATH). */
    async function guestsOf(...domains: readonly string[]) {
      const uri = `test://${write("node", `<node>${domains.join("")}</node>`)}`;
      return libvirtGuests(await openSource("linux"), { uri });
    }

    test("are seen with what they are defined with, and whose it is", async () => {
      const guests = await (await guestsOf(domain("web", DEVICES.nic), domain("db"))).guests();
      assert.ok(!isUnread(guests));
      assert.deepEqual(
        guests
          .map(({ address, running, devices }) => ({ address, running, devices }))
          .sort((a, b) => (a.address < b.address ? -1 : 1)),
        [
          { address: "libvirt:db", running: true, devices: [] },
          { address: "libvirt:web", running: true, devices: [given("both", true)] },
        ],
      );
    });

    test("a domain that does not run has it in its definition, and a transient one only as it runs", async () => {
      const guests = await (
        await guestsOf(
          inState("<test:runstate>5</test:runstate>", domain("off", DEVICES.nic)),
          inState("<test:transient/>", domain("brief", DEVICES.unmanaged)),
        )
      ).guests();
      assert.ok(!isUnread(guests));
      const seen = Object.fromEntries(guests.map(({ name, running, devices }) => [name, { running, devices }]));
      assert.deepEqual(seen, {
        off: { running: false, devices: [given("definition", true)] },
        brief: { running: true, devices: [given("live", false)] },
      });
      // Whoever has it plugged in has it, before whoever is only defined with it.
      assert.equal(holderOf({ guests, gaps: [] }, VF)?.name, "brief");
    });

    test("what a domain cannot have is told: live where it does not run, kept where it is transient, a token, no driver", async () => {
      const port = await guestsOf(
        inState("<test:runstate>5</test:runstate>", domain("off")),
        inState("<test:transient/>", domain("brief")),
      );
      const codes = async (name: string, attachment: Attachment, more: Partial<VfForGuest> = {}) =>
        (await port.obstacles(`libvirt:${name}`, { ...vf, attachment, ...more })).map(({ code }) => code);
      assert.deepEqual(await codes("off", { place: "both" }), ["VFL-0422"]);
      assert.deepEqual(await codes("off", { place: "definition" }), []);
      assert.deepEqual(await codes("brief", { place: "both" }), ["VFL-0425"]);
      assert.deepEqual(await codes("brief", {}, { pfOnVfio: true, driver: "igbvf" }), ["VFL-0427", "VFL-0401"]);
      assert.deepEqual(await codes("brief", { managed: true }, { driver: "igbvf" }), []);
    });

    test("obstacles are seen before anything is done", async () => {
      const port = await guestsOf(domain("web", DEVICES.nic), domain("db"), domain("off", DEVICES.standby));
      const codes = async (guest: `libvirt:${string}`, of: VfForGuest) =>
        (await port.obstacles(guest, of)).map(({ code }) => code);
      assert.deepEqual(await codes("libvirt:db", { ...vf, bdf: OTHER }), []);
      assert.deepEqual(await codes("libvirt:db", vf), ["VFL-0423"]);
      assert.deepEqual(await codes("libvirt:off", { ...vf, bdf: OTHER }), ["VFL-0424"]);
      assert.deepEqual(await codes("libvirt:none", vf), ["VFL-0421"]);
    });

    test("a refusal comes with libvirt's own words, and a domain that has no such VF gives nothing back", async () => {
      const port = await guestsOf(domain("web"));
      assert.deepEqual(await port.detach("libvirt:web", VF), { kind: "done", tookMs: 0 });
      // The test driver plugs nothing in; virsh has read the document before it asks (a child's /dev/stdin it could not open).
      const taken = await port.attach("libvirt:web", { ...vf, attachment: { place: "both" } });
      assert.match(taken.kind === "failed" ? taken.reason : "", /not supported by the connection driver/);
      const answer = await port.attach("libvirt:none", vf);
      assert.equal(answer.kind, "failed");
      assert.match(answer.kind === "failed" ? answer.reason : "", /libvirt knows no domain none/);
    });

    test("a domain whose name is the ID of another, or an option of virsh, is itself", async () => {
      // The first that runs has the ID 1.
      const port = await guestsOf(domain("first"), domain("1", DEVICES.nic), domain("--help", DEVICES.nic));
      for (const name of ["1", "--help"]) {
        const refused = await port.detach(`libvirt:${name}`, VF);
        // The test driver takes nothing out: it was asked, so the device was found.
        assert.match(
          refused.kind === "failed" ? refused.reason : refused.kind,
          /not supported by the connection/,
          name,
        );
      }
    });

    test("where no libvirt listens there are no domains; one that does not answer is told as unread", async () => {
      const kernel = await openSource("linux");
      const guests = await libvirtGuests(kernel, {
        uri: `qemu+unix:///system?socket=${join(folder, "none")}`,
      }).guests();
      assert.ok(isUnread(guests));
      assert.match(guests.reason, /Failed to connect socket/);
    });
  });
});
