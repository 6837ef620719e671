# The unit of `vfleet unit`, started by systemd at a boot, on the lab's machine igb: systemd is process 1 of a PID namespace,
# udev loads the PF's driver, and when networks come up the VFs must be there. In the lab that takes minutes, so it is no part
# of the tests:
#
#     npm run lab -- run test/lab/by-hand/boot-by-systemd.sh --machine igb --timeout 600
#
# An argument names another folder of the program than /vfleet, as of one that is built: that starts faster.
set -euo pipefail
UNITS=/etc/systemd/system
PF=/sys/bus/pci/devices/0000:01:00.0
PACKAGE=${1:-/vfleet}
WAIT_SECONDS=400

[ ! -e "$PF/driver" ]
mkdir -p /etc/vfleet "$UNITS/multi-user.target.wants"
cp "$PACKAGE/examples/policies/igb-two-pools.yaml" /etc/vfleet/
node "$PACKAGE/bin/vfleet.js" unit >"$UNITS/vfleet.service"

# Looks when network-pre.target has been reached, and ends this systemd.
cat >"$UNITS/seen.service" <<'UNIT'
[Unit]
After=network-pre.target
[Service]
Type=oneshot
ExecStart=/bin/bash /etc/seen.sh
UNIT
cat >/etc/seen.sh <<'SCRIPT'
cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs >/tmp/seen-num-vfs
for unit in systemd-udev-settle.service vfleet.service network-pre.target; do
  systemctl show "$unit" --value -p ActiveState -p ActiveEnterTimestampMonotonic | tr '\n' ' '
  echo "$unit"
done >/tmp/seen-units
systemctl --no-block exit 0
SCRIPT
for unit in vfleet seen; do ln -s "../$unit.service" "$UNITS/multi-user.target.wants/"; done
# What a boot has besides, and this is not about.
for unit in getty.target console-getty.service systemd-logind.service systemd-journald.service systemd-journald.socket \
  systemd-journald-dev-log.socket systemd-journal-flush.service systemd-hwdb-update.service; do
  ln -sf /dev/null "$UNITS/$unit"
done

container=lab unshare --mount --pid --fork --mount-proc /usr/lib/systemd/systemd --log-target=console multi-user.target \
  >/tmp/systemd.log 2>&1 </dev/null &
systemd=$!
for ((second = 0; second < WAIT_SECONDS; second++)); do
  kill -0 "$systemd" 2>/dev/null || break
  sleep 1
done
if kill -KILL "$systemd" 2>/dev/null; then
  cat /tmp/systemd.log
  echo "the boot has not ended"
  exit 1
fi
cat /tmp/seen-units

driver=$(basename "$(readlink "$PF/driver")")
vfs=$(</tmp/seen-num-vfs)
echo "driver $driver, $vfs VFs"
[ "$driver" = igb ] && [ "$vfs" = 7 ]
# Each was reached, the one after the other, by microseconds since boot.
mapfile -t reached < <(awk '$1 == "active" || $2 == "active" { print ($1 == "active" ? $2 : $1) }' /tmp/seen-units)
[ "${#reached[@]}" = 3 ] && ((reached[0] < reached[1] && reached[1] <= reached[2]))
echo "VFs were there before networks came up"
