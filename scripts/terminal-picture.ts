/**
 * Draws what a command prints on a terminal as an SVG, for the README:
 *     npm run docs      writes docs/images/*.svg from runs on the example host
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const CELL_WIDTH = 8.4;
const LINE_HEIGHT = 19;
const MARGIN = 16;
const BACKGROUND = "#16181d";
const FOREGROUND = "#d7dae0";
/** SGR codes that vfleet uses (src/cli/terminal.ts). */
const COLOURS: Readonly<Record<string, string>> = {
  "31": 'fill="#ff7b72"',
  "32": 'fill="#7ee787"',
  "33": 'fill="#e3b341"',
  "36": 'fill="#76e3ea"',
  "1": 'font-weight="bold" fill="#ffffff"',
  "2": 'fill="#8b949e"',
};

/** One picture: the command as a reader would type it, and how it is run here. */
interface Picture {
  readonly file: string;
  readonly shown: string;
  readonly args: readonly string[];
  /** Lines from the output's start. */
  readonly lines: number;
}

const EXAMPLE = "snapshot:fixtures/hosts/igb-nvme-vfs.tar.gz";
const NARROW = "snapshot:fixtures/hosts/narrow-bus.tar.gz";
const PICTURES: readonly Picture[] = [
  { file: "scan.svg", shown: "vfleet scan --tree", args: ["scan", "--tree", "--source", EXAMPLE], lines: 18 },
  {
    file: "preflight.svg",
    shown: "vfleet preflight 01:00.0 --vfs 2",
    args: ["preflight", "01:00.0", "--vfs", "2", "--source", NARROW],
    lines: 20,
  },
];

for (const picture of PICTURES) {
  const run = spawnSync(process.execPath, ["src/cli/main.ts", ...picture.args], {
    env: { ...process.env, FORCE_COLOR: "1", COLUMNS: "118" },
    encoding: "utf8",
  });
  // The host's name in the first line is the path of the capture; a reader's own host says "this host".
  const output = run.stdout
    .replace(/^snapshot:\S+/, "this host")
    .split("\n")
    .slice(0, picture.lines);
  mkdirSync("docs/images", { recursive: true });
  const lines = [`\u001b[2m$\u001b[22m ${picture.shown}`, ...output];
  writeFileSync(`docs/images/${picture.file}`, svg(picture.shown, lines));
}

function svg(title: string, lines: readonly string[]): string {
  const columns = Math.max(...lines.map((line) => [...withoutColour(line)].length));
  const width = Math.ceil(columns * CELL_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, row) => {
    return `<text x="${MARGIN}" y="${MARGIN + (row + 0.75) * LINE_HEIGHT}">${spans(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ` font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${FOREGROUND}">`,
    `<title>What ${escapeXml(title)} prints</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    `<g xml:space="preserve">`,
    ...rows,
    "</g></svg>",
    "",
  ].join("\n");
}

/** A line's runs of one colour; a run's place is given, so that the font's own width does not matter. */
function spans(line: string): string {
  let style = "";
  let column = 0;
  let out = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
    if (code !== undefined) {
      style = COLOURS[code] ?? "";
    } else if (part !== "") {
      const length = [...part].length;
      const x = (MARGIN + column * CELL_WIDTH).toFixed(1);
      const textLength = (length * CELL_WIDTH).toFixed(1);
      out += `<tspan x="${x}" textLength="${textLength}" ${style}>${escapeXml(part)}</tspan>`;
      column += length;
    }
  }
  return out;
}

function withoutColour(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  return line.replace(/\u001b\[\d+m/g, "");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
