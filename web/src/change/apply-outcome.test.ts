import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import { applyOutcome } from "./apply-outcome.ts";

test("nothing was done only where the server says so", () => {
  const of = (status: number) => applyOutcome(new ApiProblem({ status, code: "", detail: "", remedy: "" }));
  assert.deepEqual([409, 412, 404, 403].map(of), Array(4).fill("turned down"));
  assert.deepEqual([0, 500, 502, 504].map(of), Array(4).fill("not known"));
  assert.equal(of(429), "too early");
  assert.equal(applyOutcome(new SyntaxError("half an answer")), "not known");
});
