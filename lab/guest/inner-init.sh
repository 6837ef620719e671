#!/bin/sh
# First and only program of a guest inside a lab machine. It loads every driver that it carries, so that a device that is
# plugged in later finds its own, and then serves one channel to the lab machine (the virtio-serial port vfleet.guest):
#   in   a line: a shell command; an empty one asks for the status
#   out  a line of JSON for each: {"kind":"result",...} or {"kind":"status",...}
# It forks as little as it can, and so reads files by `read` and hands strings over in variables: under emulation one fork
# takes tens of milliseconds.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox --install -s
export PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/root

# A module that this processor has no use for fails to load: the console says so, and no device waits for it.
while IFS=: read -r path _; do
  module=${path##*/}
  modprobe "${module%.ko}"
done <"/lib/modules/$(uname -r)/modules.dep"
ip link set lo up

# Each of these leaves what it finds in a variable.
read_file() { # PATH: the first line in $text, nothing where it cannot be read
  text=
  [ ! -e "$1" ] || read -r text <"$1" 2>/dev/null
}
read_uevent() { # PATH: $driver $class $id $slot
  driver= class= id= slot=
  while IFS='=' read -r key value; do
    case $key in
      DRIVER) driver=$value ;;
      PCI_CLASS) class=$value ;;
      PCI_ID) id=$value ;;
      PCI_SLOT_NAME) slot=$value ;;
    esac
  done <"$1"
}
pci_devices() { # $json
  json=
  for device in /sys/bus/pci/devices/*; do
    # A device may go while it is looked at: the next look is another status.
    read_uevent "$device/uevent" 2>/dev/null || continue
    [ -z "$driver" ] && driver=null || driver="\"$driver\""
    json="$json,{\"bdf\":\"$slot\",\"id\":\"$id\",\"class\":\"$class\",\"driver\":$driver}"
  done
  json=${json#,}
}
net_devices() { # $json
  json=
  for device in /sys/class/net/*; do
    name=${device##*/}
    [ "$name" != lo ] || continue
    # A device of the network stack itself has none below it; virtio has its own between PCI and the network.
    bdf=null
    for uevent in "$device/device/uevent" "$device/device/../uevent"; do
      [ -e "$uevent" ] && read_uevent "$uevent" && [ -n "$slot" ] && bdf="\"$slot\"" && break
    done
    read_file "$device/address"
    mac=$text
    read_file "$device/operstate"
    operstate=$text
    # Of a link that is down the kernel knows no carrier: EINVAL.
    read_file "$device/carrier"
    case $text in
      1) carrier=true ;;
      0) carrier=false ;;
      *) carrier=null ;;
    esac
    json="$json,{\"name\":\"$name\",\"bdf\":$bdf,\"mac\":\"$mac\",\"operstate\":\"$operstate\",\"carrier\":$carrier}"
  done
  json=${json#,}
}
status() {
  pci_devices
  pci=$json
  net_devices
  read -r uptime _ </proc/uptime
  echo "{\"kind\":\"status\",\"uptimeSeconds\":$uptime,\"pciDevices\":[$pci],\"netDevices\":[$json]}" >&3
}
run() { # COMMAND
  (eval "$1") >/tmp/.output 2>&1 </dev/null 3>&-
  code=$?
  # base64: the output may be any bytes, and JSON may not.
  output=$(head -c 262144 /tmp/.output | base64 -w 0)
  echo "{\"kind\":\"result\",\"exitCode\":$code,\"outputBase64\":\"$output\"}" >&3
}

for file in /sys/class/virtio-ports/*/name; do
  read_file "$file"
  [ "$text" != vfleet.guest ] || port=${file%/name}
done
exec 3<>"/dev/${port##*/}"
# Nobody looks around unasked: what a guest does costs its lab machine twenty times as much.
while IFS= read -r line <&3; do
  if [ -n "$line" ]; then run "$line"; else status; fi
done
