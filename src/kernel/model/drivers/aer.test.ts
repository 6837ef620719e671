import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, injectFault } from "../../../hardware/fault.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { AER } from "../../../pci/extended/aer.ts";
import { isUnread } from "../../port.ts";
import { openModel } from "../model-kernel.ts";
import { labModel } from "../testing/lab-models.ts";

const PORT = "0000:00:01.0" as Bdf;
const PF = "0000:01:00.0" as Bdf;
const VF = "0000:01:10.0" as Bdf;
const NAME = "82576";

/** An 82576 below a root port, with two VFs that nobody drives. */
async function lab(parameters = "") {
  const description = labModel("igb");
  assert.ok(description);
  const commandLine = `${description.commandLine} ${parameters}`;
  const kernel = await openModel({ ...description, commandLine, modules: ["igb"] }, "igb");
  await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_drivers_autoprobe`, "0");
  await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
  const { linux } = kernel;
  let mark = linux.log.end;
  const attribute = async (bdf: Bdf, name: string) => {
    const bytes = await kernel.read(`/sys/bus/pci/devices/${bdf}/${name}`);
    return isUnread(bytes) ? bytes.errno : new TextDecoder().decode(bytes);
  };
  /** What was counted of a function, and what its port was sent. */
  const counted = async (bdf: Bdf, severity: string) =>
    (await attribute(bdf, `aer_dev_${severity}`)).split("\n").filter((line) => !line.endsWith(" 0") && line !== "");
  const received = async () => {
    const names = ["cor", "nonfatal", "fatal"].map((name) => attribute(PORT, `aer_rootport_total_err_${name}`));
    return (await Promise.all(names)).map(Number);
  };
  /** The log since it was asked for last. */
  const logged = () => {
    linux.time.catchUp();
    const { lines, end } = linux.log.since(mark);
    mark = end;
    return lines.map((line) => line.replace(/^\[[ \d.]+\] /, "").trimEnd());
  };
  const fault = (what: Fault) => {
    injectFault(linux.machine, what);
    return logged();
  };
  const device = (bdf: Bdf) => {
    const dev = linux.devices.get(bdf);
    assert.ok(dev);
    return dev;
  };
  logged();
  return { kernel, linux, attribute, counted, received, logged, fault, device };
}

test("an uncorrectable error of a PF is logged and counted, and its root port counts the message", async () => {
  const { counted, received, fault } = await lab();
  const told = fault({ kind: "error", function: NAME, error: "completerAbort" });
  assert.deepEqual(told, [
    `pcieport ${PORT}: AER: Uncorrectable (Non-Fatal) error message received from ${PF}`,
    `igb ${PF}: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Completer ID)`,
    `igb ${PF}:   device [8086:10c9] error status/mask=00008000/02400000`,
    `igb ${PF}:    [15] CmpltAbrt              (First)`,
    `igb ${PF}: AER:   TLP Header: 00000000 00000000 00000000 00000000`,
  ]);
  assert.deepEqual(await counted(PF, "nonfatal"), ["CmpltAbrt 1", "TOTAL_ERR_NONFATAL 1"]);
  assert.deepEqual(await counted(PORT, "nonfatal"), [], "its own errors are others");
  assert.deepEqual(await received(), [0, 1, 0]);
  // What was recorded is cleared, so that the next is told as what it is.
  fault({ kind: "error", function: NAME, error: "completionTimeout" });
  assert.deepEqual(await counted(PF, "nonfatal"), ["CmpltTO 1", "CmpltAbrt 1", "TOTAL_ERR_NONFATAL 2"]);
});

test("an error of a VF is the VF's, and of no other", async () => {
  const { counted, received, fault } = await lab();
  const [source] = fault({ kind: "error", function: NAME, vf: 0, error: "poisonedTlpReceived" });
  assert.equal(source, `pcieport ${PORT}: AER: Uncorrectable (Non-Fatal) error message received from ${VF}`);
  assert.deepEqual(await counted(VF, "nonfatal"), ["TLP 1", "TOTAL_ERR_NONFATAL 1"]);
  for (const bdf of [PF, "0000:01:10.2" as Bdf]) assert.deepEqual(await counted(bdf, "nonfatal"), [], bdf);
  assert.deepEqual(await received(), [0, 1, 0]);
});

test("a correctable error is counted where it is not masked", async () => {
  const { linux, counted, received, logged, device } = await lab();
  const absent = () => linux.machine.fabric.configRead(device(PF).routingId + 1, 0, 4);
  // Advisory Non-Fatal Errors are masked after a reset: an absent function says nothing.
  absent();
  assert.deepEqual(logged(), []);
  const pf = device(PF);
  pf.write(pf.capabilities.aer + 0x14, 4, 0);
  absent();
  assert.deepEqual(logged().slice(0, 2), [
    `pcieport ${PORT}: AER: Correctable error message received from ${PF}`,
    `igb ${PF}: PCIe Bus Error: severity=Correctable, type=Transaction Layer, (Receiver ID)`,
  ]);
  assert.deepEqual(await counted(PF, "correctable"), ["NonFatalErr 1", "TOTAL_ERR_COR 1"]);
  assert.deepEqual(await received(), [1, 0, 0]);
});

test("a Receiver Error is told as the first, as Linux does of what it has not read", async () => {
  const { linux, counted, logged } = await lab();
  const root = linux.machine.functions.get("root port 0");
  const aer = root?.template.offsetOf(AER, true) ?? Number.NaN;
  root?.config.setBits(aer + AER.table.correctableErrorStatus.offset, 4, 1, 1);
  root?.surroundings.errorMessage(root, "correctable");
  assert.deepEqual(logged(), [
    `pcieport ${PORT}: AER: Correctable error message received from ${PORT}`,
    `pcieport ${PORT}: PCIe Bus Error: severity=Correctable, type=Physical Layer, (Receiver ID)`,
    `pcieport ${PORT}:   device [1b36:000c] error status/mask=00000001/0000e000`,
    `pcieport ${PORT}:    [ 0] RxErr                  (First)`,
  ]);
  assert.deepEqual(await counted(PORT, "correctable"), ["RxErr 1", "TOTAL_ERR_COR 1"]);
});

test("a fatal error of an endpoint is told of without its details, as its link may be gone; a port's own has them", async () => {
  const { counted, received, fault } = await lab();
  assert.deepEqual(fault({ kind: "error", function: NAME, error: "malformedTlp" }), [
    `pcieport ${PORT}: AER: Uncorrectable (Fatal) error message received from ${PF}`,
    `igb ${PF}: AER: PCIe Bus Error: severity=Uncorrectable (Fatal), type=Inaccessible, (Unregistered Agent ID)`,
  ]);
  assert.deepEqual(await counted(PF, "fatal"), []);
  assert.deepEqual(await received(), [0, 0, 1]);
  fault({ kind: "error", function: "root port 0", error: "malformedTlp" });
  assert.deepEqual(await counted(PORT, "fatal"), ["MalfTLP 1", "TOTAL_ERR_FATAL 1"]);
  assert.deepEqual(await received(), [0, 0, 2]);
});

test("errors that come at once are told as several, each with its own function, where somebody has enabled that", async () => {
  const { kernel, linux, counted, logged, received } = await lab();
  const both = () => {
    injectFault(linux.machine, { kind: "error", function: NAME, error: "completerAbort" });
    injectFault(linux.machine, { kind: "error", function: NAME, vf: 0, error: "completionTimeout" });
    return logged();
  };
  const [first] = both();
  assert.equal(first, `pcieport ${PORT}: AER: Multiple Uncorrectable (Non-Fatal) error message received from ${PF}`);
  assert.deepEqual(await counted(PF, "nonfatal"), ["CmpltAbrt 1", "TOTAL_ERR_NONFATAL 1"]);
  assert.deepEqual(await counted(VF, "nonfatal"), []);
  assert.equal((await kernel.write(`/sys/bus/pci/devices/${VF}/enable`, "1")).kind, "done");
  assert.ok(both().includes(`igb ${PF}: AER:   Error of this Agent is reported first`));
  assert.deepEqual(await counted(PF, "nonfatal"), ["CmpltAbrt 2", "TOTAL_ERR_NONFATAL 2"]);
  assert.deepEqual(await counted(VF, "nonfatal"), ["CmpltTO 1", "TOTAL_ERR_NONFATAL 1"]);
  assert.deepEqual(await received(), [0, 2, 0], "two messages of the root port, however many it has merged");
});

test("with pci=noaer nothing is reported or counted, and the counters are there", async () => {
  const { counted, received, fault, attribute } = await lab("pci=noaer");
  assert.deepEqual(fault({ kind: "error", function: NAME, error: "completerAbort" }), []);
  assert.deepEqual(await counted(PF, "nonfatal"), []);
  assert.deepEqual(await received(), [0, 0, 0]);
  assert.match(await attribute(PF, "aer_dev_correctable"), /^RxErr 0\nBadTLP 0\n.*\nTOTAL_ERR_COR 0\n$/s);
  assert.equal(await attribute(PF, "aer_rootport_total_err_cor"), "ENOENT");
});

test("a function that does not answer reads as all ones, and its root port tells that it waited in vain", async () => {
  const { kernel, linux, counted, logged } = await lab();
  injectFault(linux.machine, { kind: "hang", function: NAME });
  assert.deepEqual(await kernel.read(`/sys/bus/pci/devices/${PF}/config`, 4), new Uint8Array(4).fill(0xff));
  assert.equal(
    logged()[1],
    `pcieport ${PORT}: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Requester ID)`,
  );
  assert.deepEqual(await counted(PORT, "nonfatal"), ["CmpltTO 1", "TOTAL_ERR_NONFATAL 1"]);
});
