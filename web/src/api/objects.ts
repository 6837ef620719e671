import type { ApiAnswer } from "../../../src/client/api-client.ts";

export type HostObject = ApiAnswer<"GET /hosts/{host}">;
type PhysicalFunctionObject = ApiAnswer<"GET /hosts/{host}/physicalfunctions/{name}">;
export type VirtualFunctionObject = ApiAnswer<"GET /hosts/{host}/virtualfunctions/{name}">;
type GuestObject = ApiAnswer<"GET /hosts/{host}/guests/{name}">;
export type OperationObject = ApiAnswer<"GET /hosts/{host}/operations/{name}">;

/** Any object that is watched, as the server's description has it. */
export type ObservedObject =
  | HostObject
  | PhysicalFunctionObject
  | VirtualFunctionObject
  | GuestObject
  | OperationObject;
export type ObservedKind = ObservedObject["kind"];
export type ObjectOf<Kind extends ObservedKind> = Extract<ObservedObject, { readonly kind: Kind }>;
