import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ModelKernel } from "../../kernel/model/model-kernel.ts";
import { openModel } from "../../kernel/model/model-kernel.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { nicMachine } from "../../kernel/model/testing/nic-machine.ts";
import { isUnread, known } from "../../kernel/port.ts";
import { parseVfInfo } from "../../kernel/port-vf-info.ts";
import { bdf } from "../../pci/bdf.ts";
import { walkCapabilities } from "../../pci/capability.ts";
import { PCI_CAP_ID_MSIX } from "../../pci/capability-ids.ts";
import { ConfigSpace } from "../../pci/config-space.ts";
import type { GuestAddress } from "../guest-port.ts";
import { planReset } from "../plan/plan-reset.ts";
import type { Step } from "../plan/step.ts";
import { observeHost } from "../state/observe-host.ts";
import { executorOf } from "./executors.ts";
import { kernelRefusal } from "./kernel-refusal.ts";
import type { StepContext, StepOutcome } from "./step-outcome.ts";
import { kernelWith, QUICK, skippingClock } from "./testing/operation-host.ts";

const PF = bdf("0000:01:00.0");
const DEVICE = `/sys/bus/pci/devices/${PF}`;

function contextOf(kernel: ModelKernel, variant: string | null = null): StepContext {
  return {
    kernel,
    clock: skippingClock(),
    patience: QUICK,
    isFresh: () => false,
    variantOf: () => variant,
    onLongWrite: () => {},
  };
}

async function lab(machine: string, modules: readonly string[]): Promise<ModelKernel> {
  const description = labModel(machine);
  assert.ok(description);
  return openModel({ ...description, modules }, machine);
}

/** Before it, the hardware shows that; after it, that it was done. */
async function doStep(step: Step, context: StepContext): Promise<string> {
  const { run, look } = executorOf(step);
  const outcome = await run(step, context);
  assert.equal(outcome.kind, "done", JSON.stringify(outcome));
  const after = await look(step, context);
  if (step.kind !== "awaitVfs" && step.kind !== "resetVf") assert.equal(after.kind, "after", step.kind);
  return (outcome as Extract<StepOutcome, { kind: "done" }>).evidence;
}

async function failureOf(
  step: Step,
  context: StepContext,
): Promise<Extract<StepOutcome, { kind: "failed" }>["failure"]> {
  const outcome = await executorOf(step).run(step, context);
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  return outcome.failure;
}

/** The code by which a refusal is told: by its errno and what the kernel logs. */
async function refusalOf(kernel: ModelKernel, step: Step): Promise<string> {
  const { end } = kernel.linux.log;
  const { errno, target } = await failureOf(step, contextOf(kernel));
  return kernelRefusal(step.kind, errno, target, kernel.linux.log.since(end).lines).code;
}

function numVfs(from: number, to: number, pf = PF): Step {
  return { kind: "setNumVfs", pf, from, to };
}

describe("executors", () => {
  test("a VF goes from driver to driver, also while the PF's autoprobe is off", async () => {
    const kernel = await lab("igb", ["igb", "igbvf", "vfio-pci"]);
    const context = contextOf(kernel);
    const bind = (from: string | null, to: string): Step => ({
      kind: "bindDriver",
      pf: PF,
      vfIndex: 1,
      from,
      fromOverride: null,
      to,
    });
    const autoprobe = `${DEVICE}/sriov_drivers_autoprobe`;
    await doStep({ kind: "setDriversAutoprobe", pf: PF, from: true, to: false }, context);
    await doStep(numVfs(0, 2), context);
    await doStep({ kind: "awaitVfs", pf: PF, count: 2 }, context);
    assert.match(await doStep(bind(null, "default"), context), /has the driver igbvf$/);
    assert.equal(new TextDecoder().decode(known(await kernel.read(autoprobe))), "0\n");
    assert.match(await doStep(bind("igbvf", "vfio"), context), /the driver vfio-pci, override vfio-pci/);
    assert.match(await doStep(bind("vfio-pci", "igbvf"), context), /the driver igbvf, override igbvf/);
    assert.match(await doStep(bind("igbvf", "none"), context), /no driver$/);
    assert.match(
      (await failureOf(bind(null, "no-such-driver"), context)).message,
      /is to have the driver no-such-driver/,
    );
    const other = await executorOf(bind("igbvf", "vfio")).look(bind("igbvf", "vfio"), context);
    assert.deepEqual(other, { kind: "other", evidence: "no driver, override no-such-driver" });
  });

  test("vfio is the variant driver, by the name that its module gives it", async () => {
    const { kernel } = await nicMachine("ConnectX-7", ["mlx5_core", "mlx5_vfio_pci"]);
    const context = contextOf(kernel, "mlx5_vfio_pci");
    await doStep(numVfs(0, 1), context);
    const evidence = await doStep(
      { kind: "bindDriver", pf: PF, vfIndex: 0, from: "mlx5_core", fromOverride: null, to: "vfio" },
      context,
    );
    assert.match(evidence, /the driver mlx5_vfio_pci, override mlx5_vfio_pci/);
  });

  test("the PF's interface is found by whatever name udev has given it", async () => {
    const { kernel } = await nicMachine("82576", ["igb"]);
    const context = contextOf(kernel);
    await doStep(numVfs(0, 1), context);
    await kernel.setLink("eth0", { up: false });
    await kernel.setLink("eth0", { name: "enp1s0" });
    const netdev = "eth0";
    await doStep({ kind: "setPfUp", pf: PF, netdev, from: false, to: true, awaitCarrier: true }, context);
    await doStep({ kind: "setPfMtu", pf: PF, netdev, from: 1500, to: 4000 }, context);
    const to = { vfIndex: 0, vlan: { id: 9, qos: 2 }, txRateMbps: { max: 50 }, mac: "02:00:00:00:00:01" };
    await doStep({ kind: "setVfNetwork", pf: PF, changes: [{ from: {}, to }] }, context);
    const [info] = parseVfInfo(known(await kernel.ipLink("enp1s0")) ?? "") ?? [];
    assert.deepEqual([info?.vlan, info?.qos, info?.maxTxRateMbps, info?.mac], [9, 2, 50, to.mac]);
    const tag = (qos: number): Step => {
      const vlan = { id: 0, qos, protocol: "802.1Q" } as const;
      return { kind: "setVfNetwork", pf: PF, changes: [{ from: {}, to: { vfIndex: 0, vlan } }] };
    };
    await doStep(tag(3), context);
    assert.equal(
      (await executorOf(tag(0)).look(tag(0), context)).kind,
      "before",
      "the priority is there without a VLAN",
    );
    await doStep(tag(0), context);
  });

  test("an eSwitch changes its mode", async () => {
    const { kernel } = await nicMachine("ConnectX-5", ["mlx5_core"]);
    await doStep({ kind: "setEswitchMode", pf: PF, from: "legacy", to: "switchdev" }, contextOf(kernel));
  });

  test("a VF has as many vectors as its MSI-X Capability says afterwards", async () => {
    const { kernel } = await nicMachine("82576", ["igb"]);
    await doStep(numVfs(0, 1), contextOf(kernel));
    const set: Step = { kind: "setMsixCount", pf: PF, vfIndex: 0, from: 3, to: 5 };
    // igb gives out no vectors.
    assert.equal(await refusalOf(kernel, set), "VFL-0328");
    assert.equal(kernelRefusal("setMsixCount", "EBUSY", null, []).code, "VFL-0333");
    const write: ModelKernel["write"] = async () => ({ kind: "done", tookMs: 1 });
    assert.equal((await failureOf(set, { ...contextOf(kernel), kernel: { ...kernel, write } })).code, "VFL-0310");
    const { look, run } = executorOf(set);
    assert.deepEqual(await look(set, contextOf(kernel)), { kind: "before" });
    const taken = kernelWith(kernel, {
      write,
      read: async (path, limit) => {
        const bytes = await kernel.read(path, limit);
        if (!path.endsWith("/config") || isUnread(bytes)) return bytes;
        const changed = bytes.slice();
        const msix = walkCapabilities(new ConfigSpace(bytes), 0x34, []).find(({ id }) => id === PCI_CAP_ID_MSIX);
        changed[(msix?.offset ?? 0) + 2] = 5 - 1;
        return changed;
      },
    });
    const outcome = await run(set, { ...contextOf(kernel), kernel: taken });
    assert.equal(outcome.kind, "done", JSON.stringify(outcome));
  });

  test("a secondary controller is given its resources, and goes online", async () => {
    const kernel = await lab("igb-nvme", ["nvme"]);
    await kernel.linux.time.sleep(5000);
    const context = contextOf(kernel);
    const pf = bdf("0000:02:00.0");
    await doStep({ kind: "setDriversAutoprobe", pf, from: true, to: false }, context);
    await doStep(numVfs(0, 2, pf), context);
    const online: Step = { kind: "setNvmeOnline", pf, vfIndex: 1, from: false, to: true };
    assert.equal((await failureOf(online, context)).code, "VFL-0336");
    for (const resource of ["vq", "vi"] as const) {
      await doStep({ kind: "assignNvmeResources", pf, vfIndex: 1, resource, from: 0, to: 2 }, context);
    }
    assert.equal(await doStep(online, context), "secondary controller 2 is online");
    await doStep({ kind: "bindDriver", pf, vfIndex: 1, from: null, fromOverride: null, to: "default" }, context);
  });

  test("no VF is taken from a guest whose host cannot be spoken to about guests", async () => {
    const context = contextOf(await lab("igb", ["igb"]));
    await doStep(numVfs(0, 1), context);
    const detach: Step = { kind: "detachGuest", pf: PF, vfIndex: 0, guest: "qemu:web" as GuestAddress };
    assert.equal((await failureOf(detach, context)).code, "VFL-0343");
  });

  test("a reset tells what the registers were, and are", async () => {
    const kernel = await lab("igb", ["igb", "vfio-pci"]);
    const context = contextOf(kernel);
    await doStep(numVfs(0, 1), context);
    const reset: Step = { kind: "resetVf", pf: PF, vfIndex: 0 };
    assert.match(
      await doStep(reset, context),
      /was reset by flr; before: Command 0x[\da-f]{4} \(Bus Master off\), MSI-X off; after: Command 0x/,
    );
    await kernel.write(`${DEVICE}/virtfn0/reset_method`, "\n");
    assert.equal(await refusalOf(kernel, reset), "VFL-0337");
    // And a plan does not come so far.
    const [plan] = planReset(await observeHost(kernel), [{ pf: PF, vfIndexes: [0] }]).pfs;
    assert.deepEqual(
      plan?.refusals.map(({ code }) => code),
      ["VFL-0220"],
    );
  });
});

describe("kernelRefusal", () => {
  test("names the cause of what the kernel refuses, by errno, step and log", async () => {
    const igb = await lab("igb", ["igb"]);
    assert.equal(await refusalOf(igb, numVfs(0, 200)), "VFL-0324");
    await igb.write(`${DEVICE}/sriov_numvfs`, "2");
    assert.equal(await refusalOf(igb, numVfs(2, 3)), "VFL-0321");
    assert.equal(await refusalOf(igb, { kind: "loadModule", module: "no_such_module" }), "VFL-0339");
    const rate = {
      kind: "setVfNetwork",
      pf: PF,
      changes: [{ from: {}, to: { vfIndex: 0, txRateMbps: { max: 5 } } }],
    } as const;
    assert.equal(await refusalOf(igb, rate), "VFL-0330");
    assert.equal(await refusalOf(await lab("igb", []), numVfs(0, 2)), "VFL-0325");
    assert.equal(await refusalOf(await lab("no-msi", ["igb"]), numVfs(0, 2)), "VFL-0327");
    const narrow = await lab("narrow-bus", ["igb"]);
    assert.equal(await refusalOf(narrow, numVfs(0, 7)), "VFL-0322");
    const small = await lab("small-window", ["igb"]);
    const functions = [PF, bdf("0000:01:00.1")];
    const codes = await Promise.all(functions.map((pf) => refusalOf(small, numVfs(0, 7, pf)).catch(() => "made")));
    assert.ok(codes.includes("VFL-0323"), codes.join(" "));
  });

  test("names what only some drivers and hosts refuse", () => {
    // `mlx5_devlink_eswitch_mode_set` while there are rules, `ice_check_vf_ready_for_cfg`, a sysfs that is mounted read-only.
    assert.equal(kernelRefusal("setEswitchMode", "EBUSY", null, []).code, "VFL-0334");
    assert.equal(kernelRefusal("setVfNetwork", "EBUSY", null, []).code, "VFL-0335");
    assert.equal(kernelRefusal("setNumVfs", "EROFS", null, []).code, "VFL-0332");
  });

  test("says no more than it knows", () => {
    assert.equal(kernelRefusal("setNumVfs", "EXDEV", null, []).code, "VFL-0301");
    assert.equal(kernelRefusal("setNumVfs", null, null, []).code, "VFL-0301");
    assert.equal(kernelRefusal("setNumVfs", "ENOMEM", null, []).code, "VFL-0338");
  });
});
