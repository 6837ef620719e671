import assert from "node:assert/strict";
import { test } from "node:test";
import { findTool, requireTool } from "./require-tool.ts";

const ABSENT = "vfleet-no-such-tool";

test("requireTool says false for a tool that is there", () => {
  assert.equal(requireTool("sh", { PATH: "/bin" }), false);
  assert.equal(requireTool("sh", { PATH: "/bin", VFLEET_REQUIRE: "all" }), false);
});

test("requireTool gives the reason to skip for a tool that is not there", () => {
  assert.equal(requireTool(ABSENT, { PATH: "/bin" }), `no ${ABSENT}: scripts/setup-ci installs it`);
  assert.equal(
    requireTool(ABSENT, { PATH: "/bin", VFLEET_REQUIRE: "sh,lspci" }),
    `no ${ABSENT}: scripts/setup-ci installs it`,
  );
});

test("requireTool throws where VFLEET_REQUIRE names an absent tool, or all", () => {
  for (const VFLEET_REQUIRE of ["all", ABSENT, `sh,${ABSENT}`]) {
    assert.throws(() => requireTool(ABSENT, { PATH: "/bin", VFLEET_REQUIRE }), {
      message: `no ${ABSENT}: scripts/setup-ci installs it (VFLEET_REQUIRE=${VFLEET_REQUIRE} asks for it)`,
    });
  }
});

test("requireTool knows the condition root", () => {
  assert.equal(requireTool("root", {}), process.getuid?.() === 0 ? false : "not run as root");
});

test("requireTool knows whether the lab's image is built", () => {
  const { XDG_CACHE_HOME: before } = process.env;
  process.env.XDG_CACHE_HOME = "/nonexistent";
  try {
    assert.equal(requireTool("lab", {}), "the lab's image is not built: npm run lab -- build");
    assert.throws(() => requireTool("lab", { VFLEET_REQUIRE: "lab" }), /npm run lab -- build \(VFLEET_REQUIRE=lab/);
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
});

test("findTool takes no folder for a program", () => {
  assert.equal(findTool("usr", { PATH: "/" }), undefined);
});
