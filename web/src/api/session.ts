import { ApiClient } from "../../../src/client/api-client.ts";

const KEY = "vfleet.token";

/** The token that requests go with. It is kept for this browser, until the person signs out or the server refuses it. */
export const session = {
  get token(): string | null {
    return localStorage.getItem(KEY);
  },
  signIn(token: string): void {
    localStorage.setItem(KEY, token);
  },
  signOut(): void {
    localStorage.removeItem(KEY);
    location.reload();
  },
};

/** The server that this page came from. */
export const api = new ApiClient({ url: globalThis.location?.origin, token: () => session.token ?? undefined });

/** The link that the server prints has the token behind `#`, which no browser sends to anybody. @returns whether there was one */
export function takeTokenFromAddress(): boolean {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return false;
  session.signIn(token);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}
