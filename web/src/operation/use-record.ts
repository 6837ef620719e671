import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import type { OperationObject } from "../api/objects.ts";
import { useObjects } from "../api/use-live.tsx";
import { isGoingOn } from "./operation-state.ts";
import { readRecord } from "./read-record.ts";

/** While it goes on, steps come faster than a person reads. */
const REREAD_MS = 400;
/** After a failure. */
const AGAIN_MS = 3000;

/** The operation in short, as it is now; undefined until it was seen. */
export function useOperation(number: number): OperationObject | undefined {
  return useObjects("Operation").find(({ status }) => status.number === number);
}

/** All that is written down of an operation, read anew as long as it goes on and once after its end. */
export function useRecord(host: string, number: number) {
  const state = useOperation(number)?.status.state;
  return useQuery({
    // The end is another key: what was read just before it is not the whole record.
    queryKey: ["record", host, number, state === undefined || isGoingOn(state) ? "open" : state],
    queryFn: () => readRecord(host, number),
    refetchInterval: ({ state: { data, error } }) => {
      // One that does not exist will not by being asked for.
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429)
        return false;
      if (error) return AGAIN_MS;
      return data === undefined || isGoingOn(data.state) ? REREAD_MS : false;
    },
    placeholderData: (last) => (last?.number === number ? last : undefined),
  });
}

/** The time, each second as long as it is needed. */
export function useNow(isNeeded: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isNeeded) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isNeeded]);
  return now;
}
