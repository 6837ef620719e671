import assert from "node:assert/strict";
import { test } from "node:test";
import lock from "../package-lock.json" with { type: "json" };

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const packages: Readonly<Record<string, LockedPackage>> = lock.packages;
const { "": root, ...installed } = packages;

test("package-lock.json records what each package is, and not where it was fetched", () => {
  for (const [path, { version, integrity, resolved }] of Object.entries(installed)) {
    assert.ok(version !== undefined && integrity !== undefined, `${path} has no version or no integrity`);
    assert.equal(resolved, undefined, `${path} has an address: see .npmrc`);
  }
  assert.ok(root !== undefined);
});

test("package-lock.json has the binary packages of all platforms", () => {
  // A registry that lacks some leaves them out without a word, and `npm ci` then fails on every platform.
  for (const [path, { optionalDependencies = {} }] of Object.entries(installed)) {
    for (const name of Object.keys(optionalDependencies)) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      assert.ok(
        places.some((place) => installed[place] !== undefined),
        `${path} wants ${name}, which is not locked`,
      );
    }
  }
});
