import { quotedForSystemd, type UnitParts } from "./render-unit.ts";

export interface ServerUnitParts extends UnitParts {
  /** As `vfleet up --listen` takes it. */
  readonly listen: string;
}

/** What a server's work takes, and nothing else of root's. */
const CAPABILITIES: Readonly<Record<string, string>> = {
  CAP_SYS_ADMIN: "configuration space beyond its first 64 bytes, NVMe admin commands, other network namespaces",
  CAP_NET_ADMIN: "VF settings, links",
  CAP_NET_RAW: "ping, whose file has it on many systems and is not started without",
  CAP_SYS_MODULE: "modules that a policy names",
  CAP_SYS_PTRACE: "who has /dev/vfio open",
  CAP_DAC_OVERRIDE: "monitors of QEMUs that run as other users",
  CAP_SYSLOG: "the kernel's words on what was done",
};

/** A move that is being done is waited for, and it has 600 s where nothing else was asked for; then its way back. */
const STOP_S = 720;

/**
 * The systemd unit of `vfleet up` over this host, with the least of root's rights that its work takes (systemd.exec(5)). It begins
 * after the unit that makes VFs at boot.
 */
export function renderServerUnit({ node, program, config, listen }: ServerUnitParts): string {
  const vfleet = `${quotedForSystemd(node)} ${quotedForSystemd(program.replaceAll("$", "$$$$"))}`;
  const reasons = Object.entries(CAPABILITIES).map(([name, why]) => `# ${name}: ${why}`);
  return `# vfleet's API and page over this host. The token is in /var/lib/vfleet/server/token.
[Unit]
Description=API and page of SR-IOV virtual functions (vfleet)
After=network.target vfleet.service

[Service]
Type=exec
ExecStart=${vfleet} up --listen ${listen} --config ${config} --log-level info
Restart=on-failure
# What is being done comes to its end: its helpers (devlink, bridge, nvme, ping) are not for systemd to stop.
KillMode=mixed
TimeoutStopSec=${STOP_S}
StateDirectory=vfleet
StateDirectoryMode=0700
${configurationLine(config)}# Locks of PFs are there, which commands and the unit at boot take, too.
RuntimeDirectory=vfleet
RuntimeDirectoryPreserve=yes
UMask=0077

${reasons.join("\n")}
CapabilityBoundingSet=${Object.keys(CAPABILITIES).join(" ")}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=-${config}
ProtectHome=read-only
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# A network namespace is entered, and its /sys mounted (ip-netns(8)).
RestrictNamespaces=net mnt
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount @module setns
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** Below /etc systemd makes the folder; elsewhere it is to be there. */
function configurationLine(config: string): string {
  const [, name] = /^\/etc\/([\w@-][\w.@-]*(?:\/[\w@-][\w.@-]*)*)\/?$/.exec(config) ?? [];
  return name === undefined ? "" : `ConfigurationDirectory=${name}\n`;
}
