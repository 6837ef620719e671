/** The systemd unit, judged by systemd itself. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { renderUnit } from "../../src/cli/render-unit.ts";
import { ROOT } from "../dumps.ts";
import { findTool, requireTool } from "../require-tool.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-unit-"));
after(() => rmSync(temporary, { recursive: true }));

function vfleetUnit(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, "bin/vfleet.js"), "unit", ...args], { encoding: "utf8" });
}

/** @returns what systemd has to say of a unit; it ends with 0 also where it ignores a line that it does not understand */
function verify(name: string, text: string): string {
  const path = join(temporary, `${name}.service`);
  writeFileSync(path, text);
  const program = findTool("systemd-analyze") ?? "systemd-analyze";
  const { status, stdout, stderr } = spawnSync(program, ["verify", "--man=no", path], { encoding: "utf8" });
  // Other units of the system it reads, too; what it says of these is not about ours.
  const own = `${stdout}${stderr}`.split("\n").filter((line) => line.includes(`${name}.service`));
  return [...own, ...(status === 0 ? [] : [`exit ${status}`])].join("\n");
}

describe("vfleet unit", () => {
  test("runs this very program: recover, then apply", () => {
    const { status, stdout } = vfleetUnit("--config", "/srv/wanted");
    assert.equal(status, 0);
    const command = `${realpathSync(process.execPath)} ${realpathSync(join(ROOT, "bin/vfleet.js"))}`;
    assert.ok(stdout.includes(`\nExecStartPre=${command} recover\n`), stdout);
    assert.ok(stdout.includes(`\nExecStart=${command} apply --config /srv/wanted --yes\n`));
    assert.ok(stdout.includes("\nConditionDirectoryNotEmpty=/srv/wanted\n"));
  });

  test("a folder that is not named whole, or would need quotes, is refused", () => {
    for (const config of ["etc", "/etc/a b", "/etc/%n", ""]) {
      const { status, stderr } = vfleetUnit("--config", config);
      assert.equal(status, 2, config);
      assert.match(stderr, /VFL-0001 .*whole path/);
    }
  });

  test("comes before networks and guests, after udev", () => {
    const text = vfleetUnit().stdout;
    const [, before = ""] = /^Before=(.*)$/m.exec(text) ?? [];
    for (const later of ["network-pre.target", "libvirtd.service", "kubelet.service"]) {
      assert.ok(before.split(" ").includes(later), later);
    }
    assert.match(text, /^After=.*systemd-udev-settle\.service$/m);
  });

  test("systemd takes it as it is", { skip: requireTool("systemd-analyze") }, () => {
    const text = vfleetUnit().stdout;
    assert.equal(verify("vfleet", text), "");
    // It would have said so.
    assert.match(verify("wrong", text.replace("oneshot", "onshot")), /service type/);
    assert.match(
      verify("gone", text.replaceAll("/bin/vfleet.js", "/bin/x").replaceAll("/node ", "/nowhere ")),
      /nowhere/,
    );
  });

  test("a program below a folder with blanks, % and $", { skip: requireTool("systemd-analyze") }, () => {
    const folder = join(temporary, "odd 100% $HOME");
    mkdirSync(folder);
    const node = join(folder, "node");
    writeFileSync(node, "#!/bin/sh\n");
    chmodSync(node, 0o755);
    assert.equal(verify("odd", renderUnit({ node, program: join(folder, "vfleet.js"), config: "/etc/vfleet" })), "");
  });

  test("of the server: systemd takes it, and calls what it may do little", {
    skip: requireTool("systemd-analyze"),
  }, () => {
    const { status, stdout } = vfleetUnit("server", "--listen", "127.0.0.1:7421");
    assert.equal(status, 0);
    assert.match(stdout, /^ExecStart=.* up --listen 127\.0\.0\.1:7421 /m);
    assert.equal(verify("vfleet-server", stdout), "");
    const path = join(temporary, "vfleet-server.service");
    const program = findTool("systemd-analyze") ?? "systemd-analyze";
    const seen = spawnSync(program, ["security", "--offline=true", "--no-pager", path], { encoding: "utf8" });
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(seen.stdout)?.[1]);
    // A service without any of it has 9.6.
    assert.ok(exposure <= 5.5, `${exposure}\n${seen.stdout}${seen.stderr}`);
  });

  test("of the server: its helpers are left to it, and it has the time that a move takes", () => {
    const { stdout } = vfleetUnit("server");
    assert.match(stdout, /^KillMode=mixed$/m);
    const [, seconds = ""] = /^TimeoutStopSec=(\d+)$/m.exec(stdout) ?? [];
    assert.ok(Number(seconds) > 600, seconds);
    // A ping whose file has it is not executed under a bounding set without (capabilities(7)).
    assert.match(stdout, /^CapabilityBoundingSet=.*\bCAP_NET_RAW\b/m);
  });

  test("of the server: what is desired is where it was said", { skip: requireTool("systemd-analyze") }, () => {
    for (const [config, made] of [
      ["/etc/vfleet", "vfleet"],
      ["/etc/vfleet/lab/", "vfleet/lab"],
      ["/srv/wanted", undefined],
    ] as const) {
      const { stdout } = vfleetUnit("server", "--config", config);
      assert.ok(/^ExecStart=(.*)$/m.exec(stdout)?.[1]?.includes(` --config ${config} `), stdout);
      assert.equal(/^ConfigurationDirectory=(.*)$/m.exec(stdout)?.[1], made);
      assert.ok(stdout.includes(`\nReadWritePaths=-${config}\n`));
      assert.equal(verify("vfleet-server", stdout), "");
    }
  });

  test("of the server beyond the loopback is refused: it wants TLS", () => {
    const { status, stderr } = vfleetUnit("server", "--listen", "0.0.0.0:7420");
    assert.equal(status, 2, stderr);
    assert.match(stderr, /VFL-0508/);
  });
});
