import assert from "node:assert/strict";
import { it } from "node:test";
import { parseAerCount } from "./aer-counts.ts";

it("parseAerCount has errors that there were by the kernel's names, and messages apart from them", () => {
  const text = "RxErr 0\nBadTLP 3\nBadDLLP 0\ndev_cor_errs_bit[9] 1\nTOTAL_ERR_COR 2\n";
  assert.deepEqual(parseAerCount("correctable", text), {
    severity: "correctable",
    messages: 2,
    errors: new Map([
      ["BadTLP", 3],
      ["dev_cor_errs_bit[9]", 1],
    ]),
  });
  // Not an attribute of AER's.
  assert.equal(parseAerCount("fatal", ""), undefined);
  assert.equal(parseAerCount("fatal", "Undefined 1\n"), undefined);
});
