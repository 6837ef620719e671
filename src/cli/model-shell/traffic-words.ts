import { type Answer, refused } from "./answer.ts";

export function isCount(text: string): boolean {
  return /^\d{1,7}$/.test(text);
}

/** A VF by its number, or the PF's own interface; undefined of anything else. */
export function trafficEnd(text: string): number | "pf" | undefined {
  if (text === "pf") return text;
  return isCount(text) ? Number(text) : undefined;
}

/** Traffic that the kernel refuses on a card; of ENETDOWN with what who sends needs, as it need not be the card's own interface that is down. */
export function refusedEnds(netdev: string, errno: string): Answer {
  const answer = refused(`traffic: ${netdev}`, errno);
  if (errno !== "ENETDOWN") return answer;
  const needs = "FROM is to be pf or a VF whose interface is up (ip link set DEV up), or a VF that a guest has\n";
  return { ...answer, output: `${answer.output}  ${needs}` };
}
