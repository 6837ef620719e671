import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { exampleModels } from "../../../../test/model/example-models.ts";
import { VfleetError } from "../../../errors/vfleet-error.ts";
import { openModel } from "../model-kernel.ts";
import { readModel } from "./read-model.ts";

const HEAD = "apiVersion: vfleet.dev/v1alpha1\nkind: Model\nmetadata: {name: x}\nspec:\n";

function problem(spec: string): string {
  try {
    readModel(HEAD + spec, "m.yaml");
  } catch (error) {
    assert.ok(error instanceof VfleetError && error.code === "VFL-0016", String(error));
    return error.message.split("\n")[0] ?? "";
  }
  return "";
}

describe("the examples are valid, and boot with all their devices", () => {
  for (const file of exampleModels) {
    test(basename(file), async () => {
      const { description } = readModel(readFileSync(file, "utf8"), file);
      const kernel = await openModel(description, `model:${file}`);
      const { functions } = kernel.linux.machine;
      assert.equal(kernel.linux.devices.size, functions.size);
      for (const dev of kernel.linux.rootBus.allDevices()) {
        const sriov = dev.sriov !== undefined;
        if (sriov) assert.ok(kernel.linux.drivers.of(dev), `${dev.bdf} has no driver`);
      }
      for (const module of description.modules ?? [])
        assert.ok(kernel.linux.modules.isLoaded(module.replaceAll("-", "_")), module);
    });
  }
});

describe("readModel", () => {
  test("tells what a device, module or option is called", () => {
    const root = (below: string) => problem(`  root:\n    - rootPort: {below: ${below}}\n`);
    assert.equal(
      root("{device: x710}"),
      "m.yaml:6:34 spec.root[0].rootPort.below.device: no device is called x710; did you mean X710?",
    );
    assert.match(root("{device: rtl8139}"), /no device is called rtl8139; there are 82576, 82599, X710/);
    assert.match(root("{device: toString}"), /no device is called toString/);
    assert.match(
      root("{device: 82576, options: {ports: 3}}"),
      /^m\.yaml:6:58 .*ports of 82576 is a number from 1 to 2, not 3/,
    );
    assert.match(root("{device: 82576, options: {prots: 1}}"), /82576 has no option "prots"/);
    assert.match(root("{}"), /either a device or a switch was expected/);
    assert.match(
      problem("  kernel: {modules: [igbfv]}\n  root: [{rootPort: {}}]\n"),
      /no module is called igbfv; did you mean igbvf\?/,
    );
  });

  test("tells which values are out of range", () => {
    const root = "  root: [{rootPort: {}}]\n";
    assert.match(problem(`  memory: 4GiB\n${root}`), /^m\.yaml:5:11 spec\.memory: a size from 1MiB to 3GiB/);
    assert.match(problem(`  memory: [1]\n${root}`), /^m\.yaml:5:11 spec\.memory: a size as 512MiB/);
    assert.match(problem(`  iommu: {}\n${root}`), /spec\.iommu lacks interruptRemapping: true or false was expected/);
    assert.match(
      problem("  root: [{rootPort: {link: {generation: 9, width: 3}}}]\n"),
      /generation: one of 1, 2, 3, 4, 5, 6 was expected/,
    );
    assert.match(problem("  root: [{}]\n"), /either rootPort or integrated was expected/);
    assert.match(problem("  root: []\n"), /spec\.root: 1 is the least/);
    assert.match(
      problem("  rot: []\n  root: [{rootPort: {}}]\n"),
      /^m\.yaml:5:3 rot is not known in spec; did you mean root\?/,
    );
  });

  test("tells what cannot be put together", () => {
    const twice = "  root:\n    - rootPort: {device: 3}\n    - rootPort: {device: 3}\n";
    assert.match(problem(twice), /^m\.yaml: the machine cannot be put together: /);
  });

  test("a file that was changed anywhere is read or refused, and nothing else happens", () => {
    const texts = exampleModels.map((file) => readFileSync(file, "utf8"));
    const edit = fc.record({
      text: fc.constantFrom(...texts),
      edits: fc.array(
        fc.record({
          at: fc.nat(2000),
          cut: fc.nat(12),
          insert: fc.oneof(
            fc.string({ maxLength: 6 }),
            fc.constantFrom(
              "\n",
              "  ",
              "- ",
              ": ",
              "{",
              "}",
              "[",
              "]",
              "&a",
              "*a",
              "!!map",
              "null",
              "-1",
              "1e9",
              "switch: {ports: [{}]}",
            ),
          ),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(edit, ({ text, edits }) => {
        let changed = text;
        for (const { at, cut, insert } of edits) {
          const from = at % (changed.length + 1);
          changed = changed.slice(0, from) + insert + changed.slice(from + cut);
        }
        try {
          readModel(changed, "m.yaml");
        } catch (error) {
          if (!(error instanceof VfleetError) || error.code !== "VFL-0016") throw error;
          assert.match(error.message, /^m\.yaml:/);
        }
      }),
      { numRuns: 400 },
    );
  });
});
