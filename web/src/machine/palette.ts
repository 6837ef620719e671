import { useEffect, useState } from "react";

/** Colours of the drawing, by the tokens of style/tokens.css. */
const TOKENS = {
  surface: "--surface",
  line: "--line",
  lineStrong: "--line-strong",
  text: "--text",
  muted: "--muted",
  accent: "--accent",
  onAccent: "--on-accent",
  warn: "--warn",
  bad: "--bad",
  free: "--vf-free",
  freeLine: "--vf-free-line",
  configured: "--vf-configured",
  inUse: "--vf-in-use",
  traffic: "--traffic",
  group: "--group",
} as const;

export type Palette = Readonly<Record<keyof typeof TOKENS | "font" | "mono", string>>;

/** A canvas takes no custom properties: an element tells what they come to, in the theme that is shown. */
function readPalette(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const colours = Object.entries(TOKENS).map(([name, token]) => {
    probe.style.color = `var(${token})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.style.fontFamily = "var(--font)";
  const font = getComputedStyle(probe).fontFamily;
  probe.style.fontFamily = "var(--mono)";
  const mono = getComputedStyle(probe).fontFamily;
  probe.remove();
  return Object.fromEntries([...colours, ["font", font], ["mono", mono]]) as Palette;
}

/** Another one when the theme changes. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(readPalette);
  useEffect(() => {
    const read = () => setPalette(readPalette());
    const chosen = new MutationObserver(read);
    chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", read);
    return () => {
      chosen.disconnect();
      system.removeEventListener("change", read);
    };
  }, []);
  return palette;
}
