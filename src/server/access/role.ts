import { z } from "zod";

/** What a token is good for; each may do what those before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export const ROLE_SCHEMA = z.enum(ROLES);
export type Role = (typeof ROLES)[number];

export function reaches(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
