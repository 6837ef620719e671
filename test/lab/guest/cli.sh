#!/bin/bash
# Runs in a lab machine, for cli.test.ts: makes some VFs, writes down what sysfs, lspci and ip say into /out, and what vfleet
# says.
set -e
facts=/out/facts.txt
PF=/sys/bus/pci/devices/0000:01:00.0

modprobe -a igb igbvf nvme virtio_net vfio-pci
for netdev in "$PF"/net/*; do ip link set "${netdev##*/}" up; done
echo 3 >"$PF/sriov_numvfs"
echo 2 >/sys/bus/pci/devices/0000:03:00.0/sriov_numvfs
sleep 2
ip link set "$(ls "$PF/net")" vf 1 vlan 100 qos 2

fact() { echo "$1 $2 $3"; } # ADDRESS NAME VALUE
for device in /sys/bus/pci/devices/*; do
  bdf=${device##*/}
  for name in vendor device numa_node sriov_totalvfs sriov_numvfs sriov_offset sriov_stride; do
    [ -e "$device/$name" ] && fact "$bdf" "$name" "$(<"$device/$name")"
  done
  for name in driver iommu_group physfn; do
    [ -L "$device/$name" ] && fact "$bdf" "$name" "$(basename "$(readlink "$device/$name")")"
  done
  for link in "$device"/virtfn*; do
    [ -L "$link" ] && fact "$bdf" "$(basename "$link")" "$(basename "$(readlink "$link")")"
  done
  for netdev in "$device"/net/* "$device"/virtio*/net/*; do
    [ -e "$netdev" ] && fact "$bdf" net "$(basename "$netdev")"
  done
  fact "$bdf" parent "$(basename "$(dirname "$(realpath "$device")")")"
  while read -r start end flags; do fact "$bdf" resource "$start-$end-$flags"; done <"$device/resource"
done >"$facts"
{
  fact host release "$(uname -r)"
  fact host cmdline "$(</proc/cmdline)"
  fact host groups "$(ls /sys/kernel/iommu_groups | wc -l)"
} >>"$facts"
lspci -D -n -vvv >/out/lspci.txt
ip -json -details link show dev "$(ls "$PF/net")" >/out/ip-link.json

run() { # NAME ARGS...
  local name=$1 code=0
  shift
  node --disable-warning=ExperimentalWarning /vfleet/bin/vfleet.js "$@" >"/out/$name" 2>"/out/$name.errors" || code=$?
  echo "$name $code" >>/out/codes.txt
}
run scan scan --json
run tree scan --tree
run show-pf show 01:00.0 --json
run show-vf show 01:10.2 --json
run preflight preflight --json
run preflight-more preflight 01:00.0 --vfs 5 --use vfio --json
run preflight-other preflight 01:00.1 --vfs 5 --use vfio --json
run capture capture /out/host.tar.gz
