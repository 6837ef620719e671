import type { VfObject } from "./chosen.ts";
import { inUseBy, userName } from "./users.ts";

/** Who uses it, with what shows it, and what could not be looked at. */
export function UserList({ users, notLookedAt }: Pick<VfObject["status"], "users" | "notLookedAt">) {
  const isKnown = notLookedAt.length === 0;
  return (
    <>
      {users.length === 0 && <p>{isKnown ? "Nobody uses it." : "Nobody is seen to use it, which is not all:"}</p>}
      {users.length > 0 && (
        <ul className="plain-list" aria-label={inUseBy(users)}>
          {users.map((user) => (
            <li key={`${user.kind} ${user.evidence}`}>
              <strong>{userName(user)}</strong> <span className="muted">{user.evidence}</span>
            </li>
          ))}
        </ul>
      )}
      {!isKnown && (
        <ul className="plain-list warn" aria-label="Not looked at">
          {notLookedAt.map((way) => (
            <li key={way}>not looked at: {way}</li>
          ))}
        </ul>
      )}
    </>
  );
}
