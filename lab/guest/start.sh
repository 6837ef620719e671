#!/bin/bash
# Second half of a lab machine's start, in the full root: runs what the host asked for (/run/lab/command.sh, beside this
# file), tells how it ended, and powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/opt/node/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=${TERM:-linux}
# Compiled code is kept: by the host from machine to machine, or while the machine lives.
export NODE_COMPILE_CACHE=/compiled
mkdir -p /compiled
export LAB_MACHINE=$(sed -n 's/.*lab\.machine=\([^ ]*\).*/\1/p' /proc/cmdline)
hostname "lab-$LAB_MACHINE"
ip link set lo up
cd /root || exit

port() { # the device of a channel to the host, by its name
  for name in /sys/class/virtio-ports/*/name; do
    [ "$(<"$name")" = "$1" ] && echo "/dev/$(basename "$(dirname "$name")")"
  done
}
uptime_seconds() { local words; read -r -a words </proc/uptime; echo "${words[0]}"; }

if [ -e /run/lab/shell ]; then
  stty rows "$(sed -n 1p /run/lab/shell)" columns "$(sed -n 2p /run/lab/shell)" </dev/ttyS0
  setsid -c bash --rcfile /run/lab/command.sh -i <>/dev/ttyS0 >&0 2>&1
else
  LAB_RECORDS=$(port vfleet.records)
  export LAB_RECORDS
  printf '{"kind":"start","uptimeSeconds":%s}\n' "$(uptime_seconds)" >"$LAB_RECORDS"
  bash /run/lab/command.sh </dev/null >"$(port vfleet.output)" 2>&1
  printf '{"kind":"end","exitCode":%d,"uptimeSeconds":%s}\n' $? "$(uptime_seconds)" >"$LAB_RECORDS"
fi
# Nothing is left to be written. Waiting must not start a program: the disk is gone at once.
echo o >/proc/sysrq-trigger
read -r -t 60 _ <>/dev/ttyS0
