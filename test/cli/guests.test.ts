/** VFs given to guests of a modelled machine, by the program itself. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT } from "../dumps.ts";

const VFLEET = join(ROOT, "bin/vfleet.js");
const temporary = mkdtempSync(join(tmpdir(), "vfleet-guests-"));
const MODEL = join(temporary, "host.yaml");
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state"), NO_COLOR: "1" };
const VF = "0000:01:10.0";

function vfleet(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VFLEET, ...args], { encoding: "utf8", env, input });
  return { status, stdout, stderr };
}

function host(...args: readonly string[]) {
  return vfleet([...args, "--source", `model:${MODEL}`]);
}

function done(...args: readonly string[]): string {
  const { status, stdout, stderr } = host(...args);
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

/** On the machine, past vfleet. */
function shell(command: string): string {
  const { stdout, stderr } = vfleet(["model", "shell", MODEL], `${command}\n`);
  return (stdout + stderr).trim();
}

function document(kind: string, name: string, spec: string): string {
  const path = join(temporary, `${name}.yaml`);
  writeFileSync(path, `apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`);
  return path;
}

function policy(numVfs: number, onShrink: string): string {
  return document(
    "VfPolicy",
    "nics",
    `{select: {driver: igb}, numVfs: ${numVfs}, onShrink: ${onShrink}, vfs: [{range: 0-1, pool: vm, driver: vfio-pci}]}`,
  );
}

function groupOf(vf: string): string {
  return shell(`readlink /sys/bus/pci/devices/${vf}/iommu_group`).split("/").at(-1) ?? "";
}

interface Seen {
  readonly guests: readonly { readonly name: string; readonly devices: readonly { readonly bdf: string }[] }[];
}

function devices(): Readonly<Record<string, readonly string[]>> {
  const { guests } = JSON.parse(done("guests", "--json")) as Seen;
  return Object.fromEntries(guests.map(({ name, devices: all }) => [name, all.map(({ bdf }) => bdf)]));
}

describe("guests of a modelled machine", () => {
  before(() => {
    writeFileSync(
      MODEL,
      `apiVersion: vfleet.dev/v1alpha1
kind: Model
metadata: {name: host}
spec:
  memory: 2GiB
  iommu: {interruptRemapping: true}
  kernel: {parameters: intel_iommu=on, modules: [igb, igbvf, vfio-pci]}
  guests: [{name: web}, {name: db, memoryMib: 1024}]
  root:
    - rootPort: {below: {device: "82576"}}
`,
    );
    const claim = document("VfClaim", "web-nic", "{guest: web, pool: vm}");
    done("apply", "-f", policy(4, "refuse"), "-f", claim, "--yes");
  });
  after(() => {
    vfleet(["model", "off", MODEL]);
    rmSync(temporary, { recursive: true });
  });

  test("migrate: not to another host", () => {
    const { status, stderr } = host("migrate", "web", "--to", "tcp:192.0.2.1:4444", "--yes");
    assert.equal(status, 3, stderr);
    assert.match(stderr, /VFL-0415/);
  });

  test("migrate: a probe is an address, and guests of the model have none", () => {
    const to = ["migrate", "web", "--to", `model:${MODEL}`, "--probe"];
    const noAddress = host(...to, "web", "--yes");
    assert.equal(noAddress.status, 2, noAddress.stderr);
    assert.match(noAddress.stderr, /must be an IPv4 or IPv6 address/);
    const ofModel = host(...to, "192.0.2.10", "--yes");
    assert.equal(ofModel.status, 3, ofModel.stderr);
    assert.match(ofModel.stderr, /VFL-0417/);
  });

  test("a claim's VF goes to the guest that it names, and is known as in use by it", () => {
    assert.match(done("guests"), /^model:web {2}process \d+\nmodel:db {2}process \d+\n$/);
    const plan = done("attach", "--claim", "web-nic", "--dry-run");
    assert.match(plan, /VF 0 +to model:web/);
    assert.deepEqual(devices(), { web: [], db: [] });
    done("attach", "--claim", "web-nic", "--yes");
    assert.deepEqual(devices(), { web: [VF], db: [] });
    assert.match(done("attach", "--claim", "web-nic", "--yes"), /nothing to do/);
    const refused = host("bind", VF, "default", "--yes");
    assert.equal(refused.status, 3);
    assert.match(refused.stdout, /VFL-0211 .*\n.*guest "?web/);
    assert.match(shell("guest"), new RegExp(`web +\\d+ +512 MiB +${VF}\\ndb +\\d+ +1024 MiB +-`));
  });

  test("one that is another's is not given away, nor to a guest that is not there", () => {
    const other = host("attach", VF, "db", "--yes");
    assert.equal(other.status, 3);
    assert.match(other.stdout, /VFL-0211/);
    const nobody = host("attach", "0000:01:10.2", "wbe", "--yes");
    assert.equal(nobody.status, 3);
    assert.match(nobody.stderr, /VFL-0224 there is no guest wbe\n.*did you mean web\?/);
    const kept = host("attach", "0000:01:10.2", "db", "--persistent", "--yes");
    assert.equal(kept.status, 2);
    assert.match(kept.stderr, /VFL-0001 model:db is no domain of libvirt/);
    assert.deepEqual(devices(), { web: [VF], db: [] });
  });

  test("a VF with a driver of its own is bound to vfio-pci for its guest, and may go on to another", () => {
    const bound = done("attach", "0000:01:10.4", "model:db", "--yes");
    assert.match(bound, /VF 2 .*driver igbvf -> vfio, to model:db/);
    assert.deepEqual(devices(), { web: [VF], db: ["0000:01:10.4"] });
    assert.match(done("detach", "0000:01:10.4", "--yes"), /taken from guests/);
    done("attach", "0000:01:10.4", "web", "--yes");
    assert.deepEqual(devices(), { web: [VF, "0000:01:10.4"], db: [] });
    done("detach", "0000:01:10.4", "--yes");
    assert.match(done("detach", "0000:01:10.4", "--yes"), /nothing to do/);
  });

  test("drain interrupts guests, says so before, and gives back what fits; refuse does not", () => {
    const claim = join(temporary, "web-nic.yaml");
    const refused = host("apply", "-f", policy(7, "refuse"), "-f", claim, "--yes");
    assert.equal(refused.status, 3);
    const drained = done("apply", "-f", policy(7, "drain"), "-f", claim, "--yes");
    assert.match(drained, /notices +VF 0: is taken from model:web for a while/);
    assert.match(drained, /given to guests +1 of 1/);
    assert.deepEqual(devices(), { web: [VF], db: [] });
    assert.match(done("plan", "-f", policy(7, "drain"), "-f", claim, "--check"), /nothing to do/);
  });

  test("a guest that takes no more: the operation is undone, and says why", () => {
    const vfs = ["0000:01:10.2", "0000:01:10.4", "0000:01:10.6", "0000:01:11.0"];
    for (const vf of vfs) done("attach", vf, "db", "--yes");
    const failed = host("attach", "0000:01:11.2", "db", "--yes");
    assert.equal(failed.status, 1);
    assert.match(failed.stdout, /VFL-0342/);
    assert.match(failed.stdout, /no free slot/);
    assert.match(shell("readlink /sys/bus/pci/devices/0000:01:11.2/driver"), /igbvf$/);
    assert.deepEqual(devices(), { web: [VF], db: vfs });
    for (const vf of vfs) done("detach", vf, "--yes");
  });

  test("released, a claim's VF is nobody's; that of a guest that has it still is not", () => {
    const held = host("release", "--claim", "web-nic", "--yes");
    assert.equal(held.status, 3);
    done("detach", "--claim", "web-nic", "--yes");
    done("release", "--claim", "web-nic", "--yes");
    assert.equal(host("attach", "--claim", "web-nic", "--yes").status, 2);
    done("attach", VF, "db", "--yes");
    assert.deepEqual(devices(), { web: [], db: [VF] });
  });

  test("a claim that lasts as long as its guest: reserved after that, until it is released", () => {
    const claim = document("VfClaim", "short", "{guest: batch, pool: vm, lifetime: guest}");
    const all = ["-f", policy(7, "refuse"), "-f", claim];
    const plain = (text: string) => text.replaceAll(/\s+/g, " ");
    done("apply", ...all, "--yes");
    shell("guest start batch 64");
    done("attach", "--claim", "short", "--yes");
    assert.match(done("release", "--ended", "--yes"), /No claim has ended/);
    shell("guest stop batch");
    assert.match(plain(done("status", ...all)), /ended claim short: its guest batch is gone; 0000:01:00.0 VF \d stays/);
    const [taken] = JSON.parse(done("plan", ...all, "--json")).ended;
    assert.equal(taken.vfs.length, 1);
    const released = done("release", "--ended", "--yes");
    assert.match(released, new RegExp(`VF ${taken.vfs[0].vfIndex}`));
    assert.match(released, /reset/);
    assert.doesNotMatch(done("status", ...all), /ended/);
  });

  test("guest-config prints what starts a guest with VFs, for each who reads it, and changes nothing", () => {
    const config = (kind: string, ...vfs: string[]) => host("guest-config", ...vfs, "--for", kind);
    assert.equal(
      config("qemu", VF, "0000:01:10.2").stdout,
      "-device pcie-root-port,id=vfleet-0000.01.10.0-port,chassis=1 " +
        "-device vfio-pci,host=0000:01:10.0,id=vfleet-0000.01.10.0,bus=vfleet-0000.01.10.0-port " +
        "-device pcie-root-port,id=vfleet-0000.01.10.2-port,chassis=2 " +
        "-device vfio-pci,host=0000:01:10.2,id=vfleet-0000.01.10.2,bus=vfleet-0000.01.10.2-port\n",
    );
    assert.match(config("libvirt", VF).stdout, /<interface type="hostdev" managed="no">.*slot="0x10" function="0x0"/);
    assert.match(config("libvirt-network", VF).stdout, /<forward mode="hostdev" managed="yes">/);
    const cdi = JSON.parse(config("cdi", VF).stdout);
    assert.equal(cdi.kind, "vfleet.dev/vf");
    const [{ name, containerEdits }] = cdi.devices;
    assert.equal(name, VF);
    const paths = containerEdits.deviceNodes.map(({ path }: { path: string }) => path);
    assert.deepEqual(paths, ["/dev/vfio/vfio", `/dev/vfio/${groupOf(VF)}`]);
    const unbound = config("qemu", "0000:01:11.4");
    assert.equal(unbound.status, 3);
    assert.match(unbound.stderr, /VFL-0401 0000:01:11\.4 is with igbvf/);
    assert.equal(config("cdi", "0000:01:11.4").status, 3);
    assert.equal(config("xen", VF).status, 2);
  });

  test("a captured host has no guests that could be spoken to", () => {
    const source = `snapshot:${join(ROOT, "fixtures/hosts/igb-nvme.tar.gz")}`;
    const { status, stderr } = vfleet(["guests", "--source", source]);
    assert.equal(status, 3);
    assert.match(stderr, /VFL-0223/);
  });
});
