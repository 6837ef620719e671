import assert from "node:assert/strict";
import { test } from "node:test";
import { swapNames } from "./block-devices.ts";
import { parseMountinfo } from "./mount-namespaces.ts";
import { deviceNumber } from "./open-files.ts";

test("parseMountinfo reads lines with and without optional fields", () => {
  const text = `36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
47 27 7:0 / /tmp/mnt1 rw,nodev - ext4 /dev/loop0 rw
52 27 0:4 net:[4026532281] /run/netns/blue rw shared:9 - nsfs nsfs rw
damaged
`;
  assert.deepEqual(
    parseMountinfo(text).map(({ id, number, root, point, type, source }) => [id, number, root, point, type, source]),
    [
      [36, "98:0", "/mnt1", "/mnt 2", "ext3", "/dev/root"],
      [47, "7:0", "/", "/tmp/mnt1", "ext4", "/dev/loop0"],
      [52, "0:4", "net:[4026532281]", "/run/netns/blue", "nsfs", "nsfs"],
    ],
  );
});

test("swapNames reads block devices, and no files", () => {
  const text = `Filename				Type		Size		Used		Priority
/dev/loop0                              partition	32764		0		-2
/dev/dm-1                               partition	8388604		0		-3
/swap\\040file                           file		1024		0		-4
`;
  assert.deepEqual(swapNames(text), ["loop0", "dm-1"]);
});

test("deviceNumber unpacks what glibc's makedev packs", () => {
  assert.equal(deviceNumber(66304), "259:0");
  assert.equal(deviceNumber(1114924), "259:300");
  assert.equal(deviceNumber(0x103), "1:3");
});
