#!/bin/bash
# Runs in a lab machine, for scripts/capture-lab-hosts.ts: captures it into /out, before any VF and with as many as work.
set -e
vfleet() { node --disable-warning=ExperimentalWarning /vfleet/bin/vfleet.js "$@"; }
capture() { # NAME
  vfleet capture --anonymise --force "/out/$1.tar.gz"
  lspci -D -xxxx >"/out/$1.lspci.txt"
  lspci -D -vvv >"/out/$1.lspci-vvv.txt"
}

modprobe -a igb igbvf nvme virtio_net vfio-pci
for netdev in /sys/class/net/eth*; do ip link set "${netdev##*/}" up; done
# Links take a while to come up, and the clock is what differs from one capture to the next.
sleep 3
capture "$LAB_MACHINE"

made=0
for limit in /sys/bus/pci/devices/*/sriov_totalvfs; do
  pf=${limit%/*}
  # VFs of NVMe are of no use to a driver before they are given queues.
  [ -d "$pf/nvme" ] && echo 0 >"$pf/sriov_drivers_autoprobe"
  for ((count = $(<"$limit"); count > 0; count--)); do
    if echo "$count" 2>/dev/null >"$pf/sriov_numvfs"; then
      made=1
      break
    fi
  done
  # What a manager would set, where the PF's driver knows VFs' settings.
  for netdev in "$pf"/net/*; do
    [ -e "$netdev" ] && [ "$(<"$pf/sriov_numvfs")" -gt 1 ] || continue
    ip link set "${netdev##*/}" vf 0 mac 52:54:00:bb:00:01 || true
    ip link set "${netdev##*/}" vf 1 vlan 100 qos 2 || true
  done
done
sleep 3
if [ "$made" = 1 ]; then capture "$LAB_MACHINE-vfs"; fi
