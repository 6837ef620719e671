// Written from the server's own description by `npm run docs`: change it there.

interface Host {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "Host";
  readonly metadata: {
    /** of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change */
    readonly name: string;
    readonly host: string;
    /** another one whenever the object has changed; opaque */
    readonly resourceVersion: string;
  };
  readonly status: {
    /** linux, or model:FILE */
    readonly source: string;
    readonly reachable: boolean;
    /** why it could not be read the last time */
    readonly problem: string | null;
    /** since when it is reachable, or is not: ISO 8601 */
    readonly since: string;
    /** between two looks at it, if nothing tells of a change; while it cannot be read it is asked less often */
    readonly intervalMs: number;
    readonly hostId: string | null;
    readonly bootId: string | null;
    readonly physicalFunctions: number | null;
    readonly virtualFunctions: number | null;
    /** what the drivers of its PFs allow in all, as far as it is known */
    readonly offeredVfs: number | null;
    readonly guests: number | null;
    /** whether it is as its documents want it; invalid: a document is wrong; null while it is not known */
    readonly desired: "nothing" | "settled" | "differs" | "refused" | "invalid" | null;
    /** why a field is null: it was not read; empty where all was */
    readonly unknown: Readonly<Record<string, string>>;
  };
}

interface HostList {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "HostList";
  readonly metadata: {
    /** watch from here to miss nothing */
    readonly resourceVersion: string;
    /** for the next page; null where this is the last */
    readonly continue: string | null;
  };
  readonly items: readonly Host[];
}

interface PhysicalFunction {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "PhysicalFunction";
  readonly metadata: {
    /** of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change */
    readonly name: string;
    readonly host: string;
    /** another one whenever the object has changed; opaque */
    readonly resourceVersion: string;
  };
  readonly status: {
    /** what the PF is known by when addresses move: its serial number or slot */
    readonly key: string;
    /** vendor and device by name */
    readonly device: string | null;
    readonly vendorId: number | null;
    readonly deviceId: number | null;
    readonly classCode: number | null;
    /** null with no reason in unknown: none is bound */
    readonly driver: string | null;
    readonly numaNode: number | null;
    readonly netdevs: readonly ({
      readonly name: string;
      readonly mac: string | null;
      readonly mtu: number | null;
      readonly up: boolean | null;
      readonly carrier: boolean | null;
    })[] | null;
    readonly nvmeController: string | null;
    readonly totalVfs: number | null;
    /** sriov_totalvfs */
    readonly driverLimit: number | null;
    readonly numVfs: number | null;
    readonly eswitchMode: string | null;
    readonly carriesDefaultRoute: boolean | null;
    readonly users: readonly {
      /** the way of use, as vfio, namespace, mount */
      readonly kind: string;
      /** the user by all names that are known: pid, command, guest, claim, namespace */
      readonly who: Readonly<Record<string, unknown>>;
      readonly evidence: string;
    }[];
    /** ways to be in use that could not be looked at */
    readonly notLookedAt: readonly string[];
    /** why a field is null: it was not read; empty where all was */
    readonly unknown: Readonly<Record<string, string>>;
  };
}

interface PhysicalFunctionList {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "PhysicalFunctionList";
  readonly metadata: {
    /** watch from here to miss nothing */
    readonly resourceVersion: string;
    /** for the next page; null where this is the last */
    readonly continue: string | null;
  };
  readonly items: readonly PhysicalFunction[];
}

interface VirtualFunction {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "VirtualFunction";
  readonly metadata: {
    /** of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change */
    readonly name: string;
    readonly host: string;
    /** another one whenever the object has changed; opaque */
    readonly resourceVersion: string;
  };
  readonly status: {
    readonly pf: string;
    readonly vfIndex: number;
    /** null of a simulated PF, whose VFs are no functions */
    readonly bdf: string | null;
    readonly driver: string | null;
    readonly netdevs: readonly ({
      readonly name: string;
      readonly mac: string | null;
      readonly mtu: number | null;
      readonly up: boolean | null;
      readonly carrier: boolean | null;
    })[] | null;
    readonly iommuGroup: number | null;
    /** what the PF's driver holds of it, counters included */
    readonly settings: Readonly<Record<string, unknown>> | null;
    /** what went through it; null where neither its PF's driver, nor its interface here, nor its guest has told */
    readonly counters: {
      /** who has counted */
      readonly by: "pf" | "interface" | "guest";
      readonly rxBytes: number | null;
      readonly rxPackets: number | null;
      readonly rxDropped: number | null;
      readonly txBytes: number | null;
      readonly txPackets: number | null;
      readonly txDropped: number | null;
    } | null;
    /** of an NVMe secondary controller */
    readonly nvme: {
      readonly queues: number;
      readonly interrupts: number;
      readonly online: boolean;
    } | null;
    readonly msixCount: number | null;
    /** who has it: qemu:NAME, libvirt:NAME, netns:NAME, model:NAME */
    readonly guest: string | null;
    readonly users: readonly {
      /** the way of use, as vfio, namespace, mount */
      readonly kind: string;
      /** the user by all names that are known: pid, command, guest, claim, namespace */
      readonly who: Readonly<Record<string, unknown>>;
      readonly evidence: string;
    }[];
    readonly notLookedAt: readonly string[];
    /** why a field is null: it was not read; empty where all was */
    readonly unknown: Readonly<Record<string, string>>;
  };
}

interface VirtualFunctionList {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "VirtualFunctionList";
  readonly metadata: {
    /** watch from here to miss nothing */
    readonly resourceVersion: string;
    /** for the next page; null where this is the last */
    readonly continue: string | null;
  };
  readonly items: readonly VirtualFunction[];
}

interface Guest {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "Guest";
  readonly metadata: {
    /** of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change */
    readonly name: string;
    readonly host: string;
    /** another one whenever the object has changed; opaque */
    readonly resourceVersion: string;
  };
  readonly status: {
    /** qemu:NAME, libvirt:NAME, netns:NAME, model:NAME */
    readonly address: string;
    readonly uuid: string | null;
    readonly pid: number | null;
    readonly running: boolean;
    readonly devices: readonly {
      readonly bdf: string;
      readonly byVfleet: boolean;
    }[];
    /** why no VF can be given to it; null where one can */
    readonly unreachable: string | null;
  };
}

interface GuestList {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "GuestList";
  readonly metadata: {
    /** watch from here to miss nothing */
    readonly resourceVersion: string;
    /** for the next page; null where this is the last */
    readonly continue: string | null;
  };
  readonly items: readonly Guest[];
}

interface Operation {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "Operation";
  readonly metadata: {
    /** of a PF its address, of a VF its PF's address and vfIndex: no interface name, which may change */
    readonly name: string;
    readonly host: string;
    /** another one whenever the object has changed; opaque */
    readonly resourceVersion: string;
  };
  readonly status: {
    readonly number: number;
    /** apply, set, attach, undo, ... */
    readonly kind: string;
    readonly title: string;
    readonly state: "applying" | "undoing" | "settled" | "undone" | "stuck" | "overtaken";
    readonly startedAt: string;
    readonly endedAt: string | null;
    readonly pfs: readonly string[];
    readonly steps: number;
    readonly stepsDone: number;
    readonly current: {
      readonly kind: string;
      readonly pf: string | null;
    } | null;
    readonly failure: {
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
    } | null;
  };
}

interface OperationList {
  readonly apiVersion: "vfleet.dev/v1alpha1";
  readonly kind: "OperationList";
  readonly metadata: {
    /** watch from here to miss nothing */
    readonly resourceVersion: string;
    /** for the next page; null where this is the last */
    readonly continue: string | null;
  };
  readonly items: readonly Operation[];
}

/** All routes of the API, by method and path. */
export interface ApiRoutes {
  /** list hosts of all hosts */
  "GET /hosts": {
    request: {
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: HostList;
  };
  /** one host */
  "GET /hosts/{host}": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: Host;
  };
  /** list physicalfunctions of all hosts */
  "GET /physicalfunctions": {
    request: {
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: PhysicalFunctionList;
  };
  /** list physicalfunctions of a host */
  "GET /hosts/{host}/physicalfunctions": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: PhysicalFunctionList;
  };
  /** one of a host's physicalfunctions */
  "GET /hosts/{host}/physicalfunctions/{name}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly name: string;
      };
    };
    answer: PhysicalFunction;
  };
  /** list virtualfunctions of all hosts */
  "GET /virtualfunctions": {
    request: {
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: VirtualFunctionList;
  };
  /** list virtualfunctions of a host */
  "GET /hosts/{host}/virtualfunctions": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: VirtualFunctionList;
  };
  /** one of a host's virtualfunctions */
  "GET /hosts/{host}/virtualfunctions/{name}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly name: string;
      };
    };
    answer: VirtualFunction;
  };
  /** list guests of all hosts */
  "GET /guests": {
    request: {
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: GuestList;
  };
  /** list guests of a host */
  "GET /hosts/{host}/guests": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: GuestList;
  };
  /** one of a host's guests */
  "GET /hosts/{host}/guests/{name}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly name: string;
      };
    };
    answer: Guest;
  };
  /** list operations of all hosts */
  "GET /operations": {
    request: {
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: OperationList;
  };
  /** list operations of a host */
  "GET /hosts/{host}/operations": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        readonly limit?: number;
        /** from the list before, whose end this goes on from. Each page is of its own moment */
        readonly continue?: string;
        /** fields of status: driver=vfio-pci,guest!= (an empty value is null) */
        readonly fieldSelector?: string;
      };
    };
    answer: OperationList;
  };
  /** one of a host's operations */
  "GET /hosts/{host}/operations/{name}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly name: string;
      };
    };
    answer: Operation;
  };
  /** watch changes, as Server-Sent Events */
  "GET /watch": {
    request: {
      readonly query?: {
        /** of a list or an event: what happened after it */
        readonly resourceVersion?: string;
        readonly host?: string;
        readonly kind?: "Host" | "PhysicalFunction" | "VirtualFunction" | "Guest" | "Operation";
      };
    };
    answer: null;
  };
  /** what would be done, and to whom; writes nothing */
  "POST /hosts/{host}/plans": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly body: {
        readonly kind: "apply";
        /** wanted beside what is kept already, and kept by its name once the plan was done */
        readonly document?: {
          readonly name: string;
          /** YAML: VfPolicy, VfClaim */
          readonly text: string;
          /** of the document that was edited: refused where it is another by now, or gone; empty: of a new one, refused where its name is taken */
          readonly resourceVersion?: string;
        };
        /** these alone are wanted; without document and files, what is kept already */
        readonly files?: readonly {
          /** its name, for what is wrong with it */
          readonly label: string;
          /** YAML: VfPolicy, VfClaim */
          readonly text: string;
        }[];
        /** keep the files, too */
        readonly persist?: boolean;
      } | {
        readonly kind: "undo";
        readonly operation: number;
      } | {
        readonly kind: "set";
        /** as 0000:01:00.0-vf3 */
        readonly vf: string;
        /** by the names that policies have, as vlan */
        readonly settings: Readonly<Record<string, unknown>>;
      } | {
        readonly kind: "bind";
        /** as 0000:01:00.0-vf3 */
        readonly vf: string;
        /** default, none, vfio, or a driver's name */
        readonly driver: string;
      } | {
        readonly kind: "reset";
        /** as 0000:01:00.0-vf3 */
        readonly vf: string;
      } | {
        readonly kind: "attach";
        /** as 0000:01:00.0-vf3 */
        readonly vf?: string;
        /** the VFs of a claim instead */
        readonly claim?: string;
        /** as model:web; left out with a claim that names its guest */
        readonly guest?: string;
        readonly persistent?: boolean;
        readonly managed?: boolean;
      } | {
        readonly kind: "detach";
        /** as 0000:01:00.0-vf3 */
        readonly vf?: string;
        /** the VFs of a claim instead */
        readonly claim?: string;
      } | {
        readonly kind: "release";
        readonly pfs?: readonly string[];
        readonly all?: true;
        /** the PFs of a policy */
        readonly policy?: string;
        /** where the policy is; what is kept where left out */
        readonly files?: readonly {
          /** its name, for what is wrong with it */
          readonly label: string;
          /** YAML: VfPolicy, VfClaim */
          readonly text: string;
        }[];
        readonly claim?: string;
        /** all claims whose lifetime is over */
        readonly ended?: true;
      } | {
        readonly kind: "migrate";
        readonly guest: string;
        /** the guest that waits for it, as qemu:web-dst; of the model another host */
        readonly destination: string;
        readonly method?: "auto" | "vfio" | "failover";
        /** what it gets there; one that is free where left out */
        readonly vf?: string;
        /** the guest's address: pinged while it moves, so that the time without traffic is measured */
        readonly probe?: string;
        /** for its memory to move */
        readonly timeoutSeconds?: number;
      };
    };
    answer: {
      readonly id: string;
      readonly host: string;
      readonly kind: string;
      readonly title: string;
      readonly verdict: "refused" | "settled" | "changes";
      readonly expiresAt: string;
      /** as vfleet plan --json has it; of a move it has no PFs */
      readonly plan: {
        readonly refusals: readonly {
          readonly code: string;
          readonly summary: string;
          readonly remedy: string;
          readonly [more: string]: unknown;
        }[];
        readonly pfs: readonly {
          readonly pf: string;
          readonly refusals: readonly {
            readonly code: string;
            readonly summary: string;
            readonly remedy: string;
            readonly [more: string]: unknown;
          }[];
          readonly warnings: readonly {
            readonly code: string;
            readonly summary: string;
            readonly remedy: string;
            readonly [more: string]: unknown;
          }[];
          readonly steps: readonly {
            readonly kind: string;
            readonly [more: string]: unknown;
          }[];
          readonly resetsAllVfs: boolean;
          readonly affected: readonly {
            readonly vfIndex: number;
            readonly how: string;
            readonly [more: string]: unknown;
          }[];
          readonly expectedMs: number;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      };
      /** of a move, as vfleet migrate --json has it; move is null where the guest cannot be moved */
      readonly migration: {
        readonly checks: readonly ({
          readonly check: string;
          readonly result: "ok" | "refused" | "unknown";
          readonly summary: string;
          readonly [more: string]: unknown;
        })[];
        readonly move: {
          readonly method: string;
          readonly guest: string;
          readonly destination: string;
          readonly [more: string]: unknown;
        } | null;
        readonly [more: string]: unknown;
      } | null;
      /** claims whose time is over: what they have stays reserved until it is released */
      readonly ended: readonly {
        readonly claim: string;
        readonly why: string;
        readonly [more: string]: unknown;
      }[];
      /** files of the host that are written once it was done */
      readonly keeps: readonly string[];
    };
  };
  /** a plan that was made */
  "GET /plans/{id}": {
    request: {
      readonly path: {
        readonly id: string;
      };
    };
    answer: {
      readonly id: string;
      readonly host: string;
      readonly kind: string;
      readonly title: string;
      readonly verdict: "refused" | "settled" | "changes";
      readonly expiresAt: string;
      /** as vfleet plan --json has it; of a move it has no PFs */
      readonly plan: {
        readonly refusals: readonly {
          readonly code: string;
          readonly summary: string;
          readonly remedy: string;
          readonly [more: string]: unknown;
        }[];
        readonly pfs: readonly {
          readonly pf: string;
          readonly refusals: readonly {
            readonly code: string;
            readonly summary: string;
            readonly remedy: string;
            readonly [more: string]: unknown;
          }[];
          readonly warnings: readonly {
            readonly code: string;
            readonly summary: string;
            readonly remedy: string;
            readonly [more: string]: unknown;
          }[];
          readonly steps: readonly {
            readonly kind: string;
            readonly [more: string]: unknown;
          }[];
          readonly resetsAllVfs: boolean;
          readonly affected: readonly {
            readonly vfIndex: number;
            readonly how: string;
            readonly [more: string]: unknown;
          }[];
          readonly expectedMs: number;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      };
      /** of a move, as vfleet migrate --json has it; move is null where the guest cannot be moved */
      readonly migration: {
        readonly checks: readonly ({
          readonly check: string;
          readonly result: "ok" | "refused" | "unknown";
          readonly summary: string;
          readonly [more: string]: unknown;
        })[];
        readonly move: {
          readonly method: string;
          readonly guest: string;
          readonly destination: string;
          readonly [more: string]: unknown;
        } | null;
        readonly [more: string]: unknown;
      } | null;
      /** claims whose time is over: what they have stays reserved until it is released */
      readonly ended: readonly {
        readonly claim: string;
        readonly why: string;
        readonly [more: string]: unknown;
      }[];
      /** files of the host that are written once it was done */
      readonly keeps: readonly string[];
    };
  };
  /** do exactly that plan; refused where the host has moved */
  "POST /plans/{id}/apply": {
    request: {
      readonly path: {
        readonly id: string;
      };
    };
    answer: {
      /** watch it as an object, or read it; null where nothing had to be done */
      readonly operation: number | null;
    };
  };
  /** what is desired of a host, as it was written */
  "GET /hosts/{host}/documents": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly items: readonly ({
        readonly name: string;
        readonly text: string;
        /** of the text */
        readonly resourceVersion: string;
        /** null where it is not valid */
        readonly objects: readonly {
          readonly kind: string;
          readonly name: string;
        }[] | null;
      })[];
    };
  };
  /** desire it no longer; VFs stay as they are until they are released */
  "DELETE /hosts/{host}/documents/{name}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly name: string;
      };
      readonly query?: {
        /** refused where the document is another by now */
        readonly resourceVersion?: string;
      };
    };
    answer: null;
  };
  /** an operation as it is written down: each step with old and new values, what was read back, the kernel's words */
  "GET /hosts/{host}/operations/{number}/record": {
    request: {
      readonly path: {
        readonly host: string;
        readonly number: number;
      };
    };
    answer: {
      readonly number: number;
      readonly state: string;
      readonly events: readonly {
        readonly event: string;
        readonly [more: string]: unknown;
      }[];
      readonly [more: string]: unknown;
    };
  };
  /** all PCI functions of a host in their places */
  "GET /hosts/{host}/topology": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly functions: readonly ({
        readonly bdf: string;
        /** the bridge above; null on a root bus */
        readonly parent: string | null;
        readonly kind: "rootPort" | "switchUpstream" | "switchDownstream" | "bridge" | "pf" | "vf" | "function";
        /** the interface or controller that a driver made of it */
        readonly name: string | null;
        /** vendor and device by name */
        readonly device: string | null;
        readonly driver: string | null;
        readonly numaNode: number | null;
        readonly iommuGroup: number | null;
        /** GT/s and lanes; null where it has none, as a VF */
        readonly link: {
          readonly speed: number;
          readonly width: number;
          readonly maxSpeed: number;
          readonly maxWidth: number;
        } | null;
        /** of a VF */
        readonly pf?: string;
        readonly vfIndex?: number;
        /** why a field is null: it was not read; empty where all was */
        readonly unknown: Readonly<Record<string, string>>;
      })[];
    };
  };
  /** all of one function, as its host and as its registers have it */
  "GET /hosts/{host}/functions/{bdf}": {
    request: {
      readonly path: {
        readonly host: string;
        /** as 0000:01:00.0; the domain may be left out */
        readonly bdf: string;
      };
    };
    answer: {
      readonly bdf: string;
      readonly vendorId: number | null;
      readonly deviceId: number | null;
      readonly name: string | null;
      readonly driver: string | null;
      readonly iommuGroup: number | null;
      readonly numaNode: number | null;
      readonly parent: string | null;
      readonly physfn?: string;
      readonly vfIndex?: number;
      readonly groupMembers: readonly string[] | null;
      readonly resources: readonly {
        readonly index: number;
        readonly [more: string]: unknown;
      }[] | null;
      readonly settings?: {
        readonly vfIndex: number;
        readonly [more: string]: unknown;
      } | null;
      readonly devices: {
        readonly net: readonly string[] | null;
        readonly nvme: readonly string[] | null;
        readonly rdma: readonly string[] | null;
        readonly drm: readonly string[] | null;
        /** why a field is null: it was not read; empty where all was */
        readonly unknown: Readonly<Record<string, string>>;
      };
      readonly netDevices: readonly {
        readonly name: string;
        /** why a field is null: it was not read; empty where all was */
        readonly unknown: Readonly<Record<string, string>>;
        readonly [more: string]: unknown;
      }[];
      readonly attributes: readonly ({
        readonly name: string;
        readonly value: string | null;
        /** why a field is null: it was not read; empty where all was */
        readonly unknown: Readonly<Record<string, string>>;
      })[];
      readonly registers: {
        readonly capabilities: readonly {
          readonly [more: string]: unknown;
        }[];
        readonly extendedCapabilities: readonly {
          readonly [more: string]: unknown;
        }[];
        readonly problems: readonly {
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      };
      /** its configuration space, byte by byte in hexadecimal; -- where one was not read */
      readonly config: string;
      /** why a field is null: it was not read; empty where all was */
      readonly unknown: Readonly<Record<string, string>>;
      readonly [more: string]: unknown;
    };
  };
  /** whether VFs can be made, and what stands in the way */
  "GET /hosts/{host}/preflights": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        /** of one PF; of all where left out */
        readonly pf?: string;
        /** as many as there can be where left out */
        readonly vfs?: number;
      };
    };
    answer: {
      readonly items: readonly ({
        readonly bdf: string;
        readonly count: number;
        readonly asked: number | null;
        readonly use: string | null;
        readonly largest: number | null;
        readonly verdict: "pass" | "warn" | "refuse" | "unknown";
        readonly findings: readonly ({
          readonly check: string;
          readonly code: string;
          readonly result: "pass" | "warn" | "refuse" | "unknown";
          readonly summary: string;
          readonly evidence: readonly {
            readonly fact: string;
            readonly from?: string;
          }[];
          readonly remedy?: string;
          readonly largest?: number;
          readonly errno?: string;
        })[];
      })[];
    };
  };
  /** which VFs claims have, as it is kept */
  "GET /hosts/{host}/claims": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly items: readonly ({
        readonly claim: string;
        readonly guest: string | null;
        /** null: until it is released */
        readonly lifetime: string | null;
        readonly guestSeen: boolean;
        readonly pfKey: string;
        /** the PF of that key; null while none was seen */
        readonly pf: string | null;
        readonly vfIndex: number;
        /** that the VF has by the claim; null where it has none of its own */
        readonly mac: string | null;
      })[];
    };
  };
  /** what vfleet reads of a host, as an archive that any vfleet can read: vfleet scan --source FILE */
  "GET /hosts/{host}/capture": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly query?: {
        /** leave out serial numbers, addresses, host names */
        readonly anonymise?: string;
      };
    };
    answer: Blob;
  };
  /** what traffic a modelled machine has, and what came of it */
  "GET /hosts/{host}/traffic": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly items: readonly ({
        readonly id: number;
        readonly netdev: string;
        /** a VF by its index, or the PF itself */
        readonly from: number | "pf";
        /** a VF by its index, or the PF itself */
        readonly to: number | "pf";
        readonly framesPerSecond: number;
        readonly bytes: number;
        /** of the model's time */
        readonly seconds: number;
        readonly sent: number;
        readonly received: number;
        readonly unsent: {
          readonly noDriver: number;
          readonly ringFull: number;
          readonly overload: number;
        };
        readonly dropped: {
          readonly spoofed: number;
          readonly noReceiver: number;
          readonly notFetched: number;
          readonly noDescriptor: number;
          /** they left for the network, where nobody is */
          readonly toNetwork: number;
        };
      })[];
    };
  };
  /** start traffic from one end of a card to another */
  "POST /hosts/{host}/traffic": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly body: {
        /** the PF's interface */
        readonly netdev: string;
        /** a VF by its index, or the PF itself */
        readonly from: number | "pf";
        /** a VF by its index, or the PF itself */
        readonly to: number | "pf";
        readonly framesPerSecond?: number;
        /** of each frame */
        readonly bytes?: number;
      };
    };
    answer: {
      readonly id: number;
    };
  };
  /** end traffic; what came of it is answered */
  "DELETE /hosts/{host}/traffic/{id}": {
    request: {
      readonly path: {
        readonly host: string;
        readonly id: number;
      };
    };
    answer: {
      readonly id: number;
      readonly netdev: string;
      /** a VF by its index, or the PF itself */
      readonly from: number | "pf";
      /** a VF by its index, or the PF itself */
      readonly to: number | "pf";
      readonly framesPerSecond: number;
      readonly bytes: number;
      /** of the model's time */
      readonly seconds: number;
      readonly sent: number;
      readonly received: number;
      readonly unsent: {
        readonly noDriver: number;
        readonly ringFull: number;
        readonly overload: number;
      };
      readonly dropped: {
        readonly spoofed: number;
        readonly noReceiver: number;
        readonly notFetched: number;
        readonly noDescriptor: number;
        /** they left for the network, where nobody is */
        readonly toNetwork: number;
      };
    };
  };
  /** what a code means, and what to do */
  "GET /errors/{code}": {
    request: {
      readonly path: {
        readonly code: string;
      };
    };
    answer: {
      readonly code: string;
      readonly title: string;
      readonly explanation: string;
      readonly remedy: string;
      readonly exitCode: number;
    };
  };
  /** a host as it is read now */
  "GET /hosts/{host}/state": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly pfs: readonly {
        readonly bdf: string;
        readonly vfs: readonly {
          readonly vfIndex: number;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      }[];
      readonly [more: string]: unknown;
    };
  };
  /** how a host stands to what files want; where they are left out, to what is kept as wanted. Writes nothing */
  "POST /hosts/{host}/status": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly body: {
        readonly files?: readonly {
          /** its name, for what is wrong with it */
          readonly label: string;
          /** YAML: VfPolicy, VfClaim */
          readonly text: string;
        }[];
      };
    };
    answer: {
      readonly unfinished: readonly {
        readonly number: number;
        readonly state: string;
        readonly events: readonly {
          readonly event: string;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      }[];
      /** records that cannot be read, and are left out */
      readonly damaged: readonly {
        readonly code: string;
        readonly message: string;
        readonly remedy: string;
      }[];
      readonly ended: readonly {
        readonly claim: string;
        readonly why: string;
        readonly [more: string]: unknown;
      }[];
      readonly plan: {
        readonly pfs: readonly {
          readonly pf: string;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      } | null;
      /** what plans are made from; what could not be read is {kind: unread, path, errno, reason} in its place */
      readonly state: {
        readonly pfs: readonly {
          readonly bdf: string;
          readonly vfs: readonly {
            readonly vfIndex: number;
            readonly [more: string]: unknown;
          }[];
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      };
    };
  };
  /** all operations of a host as they are written down, the oldest first */
  "GET /hosts/{host}/records": {
    request: {
      readonly path: {
        readonly host: string;
      };
    };
    answer: {
      readonly operations: readonly {
        readonly number: number;
        readonly state: string;
        readonly events: readonly {
          readonly event: string;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      }[];
      /** records that cannot be read, and are left out */
      readonly damaged: readonly {
        readonly code: string;
        readonly message: string;
        readonly remedy: string;
      }[];
    };
  };
  /** end operations that a crash has cut off, by what the hardware shows */
  "POST /hosts/{host}/recover": {
    request: {
      readonly path: {
        readonly host: string;
      };
      readonly body: {
        /** try those that are stuck, too */
        readonly stuck?: boolean;
      };
    };
    answer: {
      readonly operations: readonly {
        readonly number: number;
        readonly state: string;
        readonly events: readonly {
          readonly event: string;
          readonly [more: string]: unknown;
        }[];
        readonly [more: string]: unknown;
      }[];
      /** records that cannot be read, and are left out */
      readonly damaged: readonly {
        readonly code: string;
        readonly message: string;
        readonly remedy: string;
      }[];
    };
  };
  /** end an operation at its next step, and take it back; it must be this server's own */
  "POST /hosts/{host}/operations/{number}/stop": {
    request: {
      readonly path: {
        readonly host: string;
        readonly number: number;
      };
    };
    answer: null;
  };
  /** whose token the request has */
  "GET /whoami": {
    request: object;
    answer: {
      readonly name: string;
      readonly role: "viewer" | "operator" | "admin";
    };
  };
  /** tokens by name */
  "GET /tokens": {
    request: object;
    answer: {
      readonly items: readonly ({
        readonly name: string;
        readonly role: "viewer" | "operator" | "admin";
        readonly createdAt: string;
      })[];
    };
  };
  /** make a token, which is shown this once */
  "POST /tokens": {
    request: {
      readonly body: {
        readonly name: string;
        readonly role: "viewer" | "operator" | "admin";
      };
    };
    answer: {
      readonly name: string;
      readonly role: "viewer" | "operator" | "admin";
      readonly token: string;
    };
  };
  /** revoke a token */
  "DELETE /tokens/{name}": {
    request: {
      readonly path: {
        readonly name: string;
      };
    };
    answer: null;
  };
  /** who changed what, or tried to; the latest first */
  "GET /audit": {
    request: {
      readonly query?: {
        readonly limit?: number;
        readonly before?: number;
      };
    };
    answer: {
      readonly items: readonly ({
        readonly id: number;
        readonly at: string;
        readonly token: string | null;
        readonly role: "viewer" | "operator" | "admin" | null;
        readonly remote: string;
        readonly method: string;
        readonly path: string;
        readonly status: number;
        readonly code: string | null;
        readonly requestId: string;
        /** of a plan that was made or done; operation is null where none was begun */
        readonly change: {
          readonly host: string;
          readonly kind: string;
          readonly operation: number | null;
        } | null;
      })[];
    };
  };
}
