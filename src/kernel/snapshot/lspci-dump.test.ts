import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { type LspciDump, MAX_PROBLEMS, parseLspciDump } from "./lspci-dump.ts";

const encoder = new TextEncoder();
const DATA = new URL("../../../../shared/data/", import.meta.url);
const real = existsSync(DATA)
  ? readdirSync(DATA)
      .filter((name) => name.endsWith(".txt"))
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, DATA))) }))
  : [];
const withData = real.length > 0 ? {} : { skip: "no ../shared/data here" };

function parse(text: string): LspciDump {
  return parseLspciDump(encoder.encode(text), "dump.txt");
}

/** `address: offsets that are known`, for each function. */
function ranges(dump: LspciDump): string[] {
  return dump.functions.map(({ bdf, config }) => `${bdf} ${config.known.map(([a, b]) => `${a}-${b}`).join(" ")}`);
}

function problems(dump: LspciDump): string[] {
  return dump.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

function fails(text: string | Uint8Array): { code: string; message: string } {
  try {
    parseLspciDump(typeof text === "string" ? encoder.encode(text) : text, "dump.txt");
  } catch (error) {
    assert.ok(error instanceof VfleetError);
    return { code: error.code, message: error.message };
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

const ROW = "86 80 c9 10 07 00 10 00 01 00 00 02 10 00 80 00";
const OTHER = "57 19 70 00 06 01 10 00 21 00 04 06 08 00 01 00";

describe("parseLspciDump reads what lspci writes", () => {
  it("a function without a domain", () => {
    const dump = parse(`01:00.0 Ethernet controller: Intel (rev 01)\n00: ${ROW}\n10: ${ROW}\n\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-32"]);
    assert.equal(dump.functions[0]?.title, "Ethernet controller: Intel (rev 01)");
    assert.equal(dump.functions[0]?.line, 1);
    assert.equal(dump.functions[0]?.config.u32(0), 0x10c98086);
    assert.equal(dump.functions[0]?.config.u8(0x20), undefined);
    assert.deepEqual(dump.problems, []);
  });

  it("domains of 4 to 8 digits and upper case", () => {
    const dump = parse(
      `0002:0A:1F.7 X\n00: ${ROW.toUpperCase()}\n\n10000:01:00.0 Y\n00: ${ROW}\n\nfedcba98:01:00.0\n00: ${ROW}\n`,
    );
    assert.deepEqual(ranges(dump), ["0002:0a:1f.7 0-16", "10000:01:00.0 0-16", "fedcba98:01:00.0 0-16"]);
  });

  it("offsets of 2 to 8 digits", () => {
    const dump = parse(`01:00.0 X\n00: ${ROW}\n010: ${ROW}\n00000020: ${ROW}\nff0: ${ROW}\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-48 4080-4096"]);
  });

  it("CRLF, a byte order mark, tabs and blanks, indentation, no line feed at the end", () => {
    const dump = parse(
      `\ufeff  01:00.0 X\r\n\t00:\t${ROW.replaceAll(" ", "\t")} \r\n    10:  ${ROW.replace(" ", "  ")}`,
    );
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-32"]);
    assert.deepEqual(dump.problems, []);
    assert.equal(dump.functions[0]?.title, "X");
  });

  it("UTF-16 as PowerShell writes it", () => {
    const text = `\ufeff01:00.0 X\r\n00: ${ROW}\r\n`;
    assert.deepEqual(ranges(parseLspciDump(new Uint8Array(Buffer.from(text, "utf16le")), "dump.txt")), [
      "0000:01:00.0 0-16",
    ]);
  });

  it("double-spaced text", () => {
    assert.deepEqual(ranges(parse(`01:00.0 X\n\n00: ${ROW}\n\n10: ${ROW}\n\n02:00.0 Y\n\n00: ${OTHER}\n`)), [
      "0000:01:00.0 0-32",
      "0000:02:00.0 0-16",
    ]);
  });

  it("prompts, headings and logs around and between", () => {
    const dump = parse(
      `# lspci -xxx\nroot@host:~# lspci -xxx\n12:30:59 begin\n01:00.0 X\n00: ${ROW}\n\nBad: news\ndead: beef\n---\n02:00.0 Y\n00: ${ROW}\nroot@host:~# logout\n`,
    );
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-16", "0000:02:00.0 0-16"]);
    assert.deepEqual(problems(dump), []);
  });

  it("lspci -vmm", () => {
    const dump = parse(
      `Slot:\t01:00.0\nClass:\tX\nDriver:\tigb\nModule:\tigb\nModule:\tuio\nIOMMUGroup:\t7\n00: ${ROW}\n`,
    );
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-16"]);
    assert.deepEqual(dump.functions[0]?.notes, {
      regions: [],
      driver: "igb",
      modules: ["igb", "uio"],
      iommuGroup: 7,
    });
  });

  it("the words of -vv", () => {
    const dump = parse(`01:00.0 Ethernet controller
\tPhysical Slot: 3-1
\tNUMA node: 1
\tIOMMU group: 14
\tRegion 0: Memory at 380000000000 (64-bit, prefetchable) [size=128K]
\tRegion 2: I/O ports at 1020 [disabled] [size=32]
\tRegion 3: [virtual] Memory at e0840000 (32-bit, non-prefetchable)
\tRegion 5: Memory at <unassigned> (32-bit, non-prefetchable) [size=1G]
\tExpansion ROM at c7800000 [disabled] [size=4M]
\tCapabilities: [160] Single Root I/O Virtualization (SR-IOV)
\t\tRegion 0: Memory at 00000000c8800000 (64-bit, non-prefetchable)
\tKernel driver in use: igb
\tKernel modules: igb, uio
00: ${ROW}
`);
    const { regions, ...rest } = dump.functions[0]?.notes ?? { regions: [] };
    assert.deepEqual(rest, {
      physicalSlot: "3-1",
      numaNode: 1,
      iommuGroup: 14,
      driver: "igb",
      modules: ["igb", "uio"],
    });
    const plain = { is64: false, prefetchable: false };
    assert.deepEqual(regions, [
      { kind: "memory", index: 0, address: 0x380000000000n, sizeBytes: 0x20000n, is64: true, prefetchable: true },
      { kind: "io", index: 2, address: 0x1020n, sizeBytes: 32n, ...plain },
      { kind: "memory", index: 3, address: 0xe0840000n, sizeBytes: undefined, ...plain },
      { kind: "memory", index: 5, address: undefined, sizeBytes: 1n << 30n, ...plain },
      { kind: "rom", index: undefined, address: 0xc7800000n, sizeBytes: 4n << 20n, ...plain },
    ]);
  });

  it("the words of -v, which number no region", () => {
    const dump = parse(`01:00.0 X\n\tMemory at fe000000 (32-bit, non-prefetchable) [size=4K]\n00: ${ROW}\n`);
    assert.equal(dump.functions[0]?.notes.regions[0]?.index, undefined);
    assert.equal(dump.functions[0]?.notes.regions[0]?.sizeBytes, 4096n);
  });

  it("a listing beside the dump, whose words count for the same function", () => {
    const dump = parse(`01:00.0 X\n\tKernel driver in use: igb\n02:00.0 Y\n\n01:00.0 X\n00: ${ROW}\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-16"]);
    assert.equal(dump.functions[0]?.notes.driver, "igb");
    assert.deepEqual(problems(dump), ["3:1 no hex dump follows"]);
  });

  it("words without control characters", () => {
    const dump = parse(`01:00.0 X\u001b[2J\u0007Y\n00: ${ROW}\n`);
    assert.equal(dump.functions[0]?.title, "X [2J Y");
  });

  it("a function dumped twice, in order", () => {
    const dump = parse(`01:00.0 X\n00: ${ROW}\n\n01:00.0 X\n00: ${OTHER}\n`);
    assert.deepEqual(
      dump.functions.map(({ duplicate }) => duplicate),
      [false, true],
    );
    assert.deepEqual(problems(dump), ["4:1 this function was dumped before; the first dump counts"]);
  });
});

describe("parseLspciDump with damage", () => {
  it("keeps the bytes before garbage in a line and goes on", () => {
    const dump = parse(`01:00.0 X\n00: ${ROW}\n10: 00 11 2g 33 44\n20: ${ROW}\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-18 32-48"]);
    assert.deepEqual(problems(dump), ['3:11 expected two hexadecimal digits and a blank, found "2g"']);
    assert.equal(dump.problems[0]?.bdf, "0000:01:00.0");
    assert.equal(dump.functions[0]?.config.bytes[0x12], 0);
  });

  it("takes --, ?? and xx for bytes that were not read", () => {
    const dump = parse("01:00.0 X\n00: 86 80 -- -- ?? 05 xx 07\n");
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-2 5-6 7-8"]);
    assert.deepEqual(dump.problems, []);
  });

  it("takes lines in any order", () => {
    const dump = parse(`01:00.0 X\n20: ${ROW}\n00: ${ROW}\n20: ${ROW}\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-16 32-48"]);
    assert.deepEqual(dump.problems, []);
  });

  it("takes 16 bytes of a line", () => {
    const dump = parse(`01:00.0 X\n00: ${ROW} 99\n10: ${ROW}  |........|\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 0-32"]);
    assert.deepEqual(problems(dump), ["2:53 a line has 16 bytes at the most", "3:54 a line has 16 bytes at the most"]);
  });

  it("takes nothing beyond configuration space", () => {
    const dump = parse(`01:00.0 X\nff8: ${ROW}\n1000: ${ROW}\n`);
    assert.deepEqual(ranges(dump), ["0000:01:00.0 4088-4096"]);
    assert.deepEqual(problems(dump), ["2:30 configuration space ends at fff", "3:7 configuration space ends at fff"]);
  });

  it("never gives one function the bytes of another whose address line is damaged", () => {
    for (const damaged of ["02:00.9 Y", "02:20.0 Y", "0", ""]) {
      const dump = parse(`01:00.0 X\n00: ${ROW}\n\n${damaged}\n00: ${OTHER}\n10: ${OTHER}\n20: ${OTHER}\n`);
      assert.deepEqual(ranges(dump), ["0000:01:00.0 0-16"], damaged);
      assert.equal(dump.functions[0]?.config.u16(0), 0x8086);
      assert.ok(dump.problems.length > 0);
    }
    const joined = parse(`01:00.0 X\n00: ${ROW}02:00.0 Y\n00: ${OTHER}\n10: ${OTHER}\n`);
    assert.deepEqual(ranges(joined), ["0000:01:00.0 0-15"]);
  });

  it("tells a hex dump without an address once", () => {
    const dump = parse(`00: ${ROW}\n10: ${ROW}\n\n01:00.0 X\n00: ${ROW}\n`);
    assert.deepEqual(problems(dump), ["1:1 a hex dump without the address of its function above it"]);
  });

  it("bounds the problems it keeps", () => {
    const dump = parse(`01:00.0 X\n00: ${ROW}\n${"10: 00 zz\n".repeat(MAX_PROBLEMS * 2)}`);
    assert.equal(dump.problems.length, MAX_PROBLEMS);
    assert.equal(dump.problemCount, MAX_PROBLEMS * 2);
  });
});

describe("parseLspciDump refuses", () => {
  it("what holds no dump, and says what it is", () => {
    assert.deepEqual(fails(""), { code: "VFL-0006", message: "dump.txt is empty" });
    assert.deepEqual(fails("hello\n"), { code: "VFL-0006", message: "dump.txt is not output of lspci" });
    assert.deepEqual(fails(new Uint8Array(4096)), {
      code: "VFL-0006",
      message: "dump.txt is binary, not output of lspci",
    });
    assert.deepEqual(fails("01:00.0 X\n02:00.0 Y\n"), {
      code: "VFL-0006",
      message: "dump.txt names 2 functions without a hex dump",
    });
  });

  it("what holds damaged lines only, with line and column", () => {
    assert.deepEqual(fails("01:00.0 X\n00: 8g 80\n"), {
      code: "VFL-0007",
      message: 'dump.txt:2:5 expected two hexadecimal digits and a blank, found "8g"',
    });
    assert.match(fails(`00: ${ROW}\n`).message, /^dump\.txt:1:1 a hex dump without the address/);
  });
});

describe("parseLspciDump of real dumps", withData, () => {
  it("finds every function and no problem", () => {
    const counts = Object.fromEntries(
      real.map(({ name, bytes }) => {
        const dump = parseLspciDump(bytes, name);
        assert.deepEqual(dump.problems, [], name);
        return [name, dump.functions.length];
      }),
    );
    assert.equal(counts["tree-asus-p6t6.txt"], 53);
    assert.equal(counts["tree-fsl-p2020.txt"], 6);
    assert.equal(counts["cap-vc-and-rcl.txt"], 16);
  });

  it("reads a dump that is cut anywhere, and invents nothing", () => {
    const dump = fc.constantFrom(...real).chain((file) => fc.tuple(fc.constant(file), fc.nat(file.bytes.length)));
    fc.assert(
      fc.property(dump, ([{ name, bytes }, end]) => {
        const whole = parseLspciDump(bytes, name);
        const cut = attempt(bytes.subarray(0, end));
        cut?.functions.forEach((fn, i) => {
          const original = whole.functions[i];
          assert.equal(fn.bdf, original?.bdf);
          for (const [from, to] of fn.config.known) {
            for (let at = from; at < to; at++) assert.equal(fn.config.u8(at), original?.config.u8(at));
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("throws nothing but VfleetError, whatever the damage", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(64)), { maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom(...real), edits, ({ bytes }, list) => {
        let damaged: Uint8Array = bytes.slice(0, 20_000);
        for (const [where, value, cut] of list) {
          const at = where % damaged.length;
          damaged[at] = value;
          if (cut > 48) damaged = new Uint8Array([...damaged.subarray(0, at), ...damaged.subarray(at + cut)]);
        }
        for (const { config } of attempt(damaged)?.functions ?? []) {
          assert.ok(config.end > 0 && config.end <= 4096);
          let last = -1;
          for (const [from, to] of config.known) {
            assert.ok(from > last && to > from);
            last = to;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

function attempt(bytes: Uint8Array): LspciDump | undefined {
  try {
    return parseLspciDump(bytes, "cut");
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    return undefined;
  }
}

it("parseLspciDump takes any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void attempt(bytes)));
  const lexemes = ["01:00.0 ", "\n", "00: ", "10: ", "ab ", "a", ":", "\t", "Region 0: Memory at ", "[size=4K]", "-- "];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...lexemes), { maxLength: 60 }), (parts) => {
      attempt(encoder.encode(parts.join("")));
    }),
    { numRuns: 1000 },
  );
});
