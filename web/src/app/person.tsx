import { createContext, type ReactNode, use } from "react";

export const ROLES = ["viewer", "operator", "admin"] as const;
type Role = (typeof ROLES)[number];

/** Who is signed in: a token has a name and a role. */
export interface Person {
  readonly name: string;
  readonly role: Role;
}

const Who = createContext<Person>({ name: "", role: "viewer" });

export function PersonProvider({ person, children }: { readonly person: Person; readonly children: ReactNode }) {
  return <Who value={person}>{children}</Who>;
}

export function usePerson(): Person {
  return use(Who);
}

/** Why this person may not do what is for a role; undefined where they may. */
export function useWhyNot(needed: Role): string | undefined {
  const { name, role } = usePerson();
  if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) return undefined;
  return `This is for the role ${needed}; the token ${name} has the role ${role}.`;
}
