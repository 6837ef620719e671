import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { packageFile } from "../names.ts";
import { print } from "../output.ts";

/** `vfleet unit`: prints the systemd unit; writing it where systemd looks is the administrator's. */
export async function unit({ config }: { readonly config: string }): Promise<number> {
  if (!/^\/[\w./@:-]*$/.test(config)) {
    throw new VfleetError("VFL-0001", {
      message: `${config}: a folder by its whole path was expected, without blanks`,
      remedy: "name it as /etc/vfleet",
    });
  }
  const node = realpathSync(process.execPath);
  const program = fileURLToPath(packageFile("bin/vfleet.js"));
  print(unitText(`${quoted(node)} ${quoted(program)}`, config));
  return 0;
}

/**
 * Before networks and guests, after the drivers of PFs that udev loads at boot. What a power loss has cut off is ended first;
 * where that fails, nothing is applied on top of it.
 */
function unitText(program: string, config: string): string {
  return `# Makes SR-IOV virtual functions at boot as ${config} has them.
[Unit]
Description=SR-IOV virtual functions (vfleet)
Documentation=man:systemd.network(5)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service systemd-udev-settle.service
Wants=systemd-udev-settle.service network-pre.target
Before=network-pre.target libvirtd.service virtqemud.service kubelet.service openvswitch-switch.service shutdown.target
Conflicts=shutdown.target
ConditionDirectoryNotEmpty=${config}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=${program} recover
ExecStart=${program} apply --config ${config} --yes
TimeoutStartSec=600
StateDirectory=vfleet
StateDirectoryMode=0700

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), "Command lines": quotes keep blanks, and % and $ mean something. */
function quoted(path: string): string {
  const plain = path.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./@:%$-]+$/.test(plain) ? plain : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
