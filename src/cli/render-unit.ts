export interface UnitParts {
  /** By their whole paths, without quotes and backslashes: systemd takes no such name of a program. */
  readonly node: string;
  readonly program: string;
  readonly config: string;
}

/** Who must find the VFs there: what brings networks up comes after network-pre.target, these start guests and switches. */
const LATER = [
  "network-pre.target",
  "libvirtd.service",
  "virtqemud.service",
  "pve-guests.service",
  "kubelet.service",
  "docker.service",
  "containerd.service",
  "crio.service",
  "lxc.service",
  "openvswitch-switch.service",
];

/**
 * The systemd unit that makes a host what is desired at boot: after the drivers of PFs, which udev loads, before networks and
 * guests. What a power loss has cut off is ended first; where that fails, nothing is applied on top of it.
 */
export function renderUnit({ node, program, config }: UnitParts): string {
  // In the executable's own name a $ is no variable.
  const vfleet = `${quotedForSystemd(node)} ${quotedForSystemd(program.replaceAll("$", "$$$$"))}`;
  return `# Makes SR-IOV virtual functions at boot as ${config} has them.
[Unit]
Description=SR-IOV virtual functions (vfleet)
DefaultDependencies=no
# Drivers of PFs are there, and their interfaces have their names, once udev is through with what it found at boot.
After=local-fs.target systemd-modules-load.service systemd-udev-settle.service
Wants=systemd-udev-settle.service network-pre.target
Before=${LATER.join(" ")} shutdown.target
Conflicts=shutdown.target
ConditionDirectoryNotEmpty=${config}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=${vfleet} recover
ExecStart=${vfleet} apply --config ${config} --yes
TimeoutStartSec=600
StateDirectory=vfleet
StateDirectoryMode=0700

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), "Command lines": quotes keep blanks, and % begins a specifier. */
export function quotedForSystemd(path: string): string {
  const plain = path.replaceAll("%", "%%");
  return /^[\w./@:%$-]+$/.test(plain) ? plain : `"${plain}"`;
}
