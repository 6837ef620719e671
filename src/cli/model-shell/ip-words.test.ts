import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "./ip-words.ts";

const ip = (text: string) => parseIp(text.split(" "));

test("parseIp reads what is shown, with abbreviations", () => {
  const options = { json: true, details: true, statistics: false, pretty: false };
  assert.deepEqual(ip("-j -d link show dev eth0"), { kind: "show", dev: "eth0", options });
  assert.deepEqual(ip("--json -details l s eth0"), { kind: "set", dev: "eth0", links: [], vfs: [] });
  assert.deepEqual(ip("-x link"), { kind: "wrong", text: 'Option "-x" is unknown, try "ip -help".' });
  assert.deepEqual(ip("-json -details link frob"), {
    kind: "wrong",
    text: 'Command "frob" is unknown, try "ip link help".',
  });
});

test("parseIp reads several settings of several VFs", () => {
  assert.deepEqual(
    ip(
      "link set dev eth0 up vf 0 mac 52:54:00:00:00:01 vlan 100 qos 3 proto 802.1ad spoofchk on vf 1 max_tx_rate 100 min_tx_rate 10 trust off state auto mtu 9000",
    ),
    {
      kind: "set",
      dev: "eth0",
      links: [{ up: true }, { mtu: 9000 }],
      vfs: [
        { vfIndex: 0, mac: "52:54:00:00:00:01", vlan: { id: 100, qos: 3, protocol: "802.1ad" }, spoofCheck: true },
        { vfIndex: 1, txRateMbps: { max: 100, min: 10 }, trust: false, linkState: "auto" },
      ],
    },
  );
});

test("parseIp says what iproute2 says of bad words", () => {
  const said = (text: string) => {
    const command = ip(text);
    return command.kind === "wrong" ? command.text : "";
  };
  assert.equal(said("link set eth0 vf x mac a"), 'Error: argument "x" is wrong: Invalid "vf" value');
  assert.equal(
    said("link set eth0 vf 0 spoofchk yes"),
    'Error: argument of "spoofchk" must be "on" or "off", not "yes"',
  );
  assert.equal(said("link set vf 0 mac a"), 'Not enough information: "dev" argument is required.');
  assert.equal(said("link set eth0 eth1"), 'Error: either "dev" is duplicate, or "eth1" is a garbage.');
  assert.match(said("addr show"), /^Object "addr" is unknown/);
});
