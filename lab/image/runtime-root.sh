#!/bin/sh
# Runs inside the new Debian root, as root of it: adds the kernel, its modules (only those that the lab uses, uncompressed:
# under emulation xz takes longer than reading), and the two initial RAM file systems. The environment has
# LAB_MODULES, LAB_BOOT_MODULES and LAB_INNER_MODULES; /lab-image holds the init scripts and what was built outside.
set -eu
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
cd "$work"

package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
apt-get download "$package" >/dev/null 2>&1
dpkg -x "$package"_*.deb kernel
release=$(ls kernel/boot | sed -n 's/^vmlinuz-//p')
all=kernel/usr/lib/modules/$release
[ -d "$all" ] || all=kernel/lib/modules/$release
mkdir -p tree/lib/modules
mv "$all" "tree/lib/modules/$release"
# What Debian does not build (netdevsim), built against the same kernel.
if [ -d /lab-image/modules ]; then
  built=$(cat /lab-image/modules/release)
  [ "$built" = "$release" ] || { echo "modules were built for $built, the kernel is $release" >&2; exit 1; }
  mkdir -p "tree/lib/modules/$release/updates"
  cp /lab-image/modules/*.ko "tree/lib/modules/$release/updates/"
  depmod -b tree "$release"
fi

# copy_modules FOLDER MODULE...: the modules and all that they need.
copy_modules() {
  folder=$1 target=$1/lib/modules/$release
  shift
  mkdir -p "$target"
  for module in "$@"; do
    modprobe -d "$work/tree" -S "$release" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | sort -u | while read -r path; do
    relative=${path#"$work/tree/lib/modules/$release/"}
    mkdir -p "$target/$(dirname "$relative")"
    case $path in
      *.xz) xz -dc "$path" >"$target/${relative%.xz}" ;;
      *) cp "$path" "$target/$relative" ;;
    esac
  done
  cp "tree/lib/modules/$release"/modules.builtin* "tree/lib/modules/$release/modules.order" "$target/"
  depmod -b "$folder" "$release"
}

# initial_ram_fs NAME INIT MODULE...
initial_ram_fs() {
  name=$1 init=$2
  shift 2
  mkdir -p "$name/bin" "$name/sbin" "$name/usr/bin" "$name/usr/sbin" "$name/proc" "$name/sys" "$name/dev" "$name/tmp" \
    "$name/run" "$name/root" "$name/etc"
  cp /usr/bin/busybox "$name/bin/busybox"
  for applet in sh mount modprobe insmod; do ln -s busybox "$name/bin/$applet"; done
  copy_modules "$name" "$@"
  cp "$init" "$name/init"
  chmod 755 "$name/init"
  (cd "$name" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 | gzip -1n) >"/boot/$name"
}

# The lists are words, one a module.
# shellcheck disable=SC2086
{
  mkdir -p /boot
  cp "kernel/boot/vmlinuz-$release" /boot/vmlinuz
  printf '%s\n' "$release" >/boot/release
  copy_modules / $LAB_MODULES
  initial_ram_fs initrd /lab-image/init.sh $LAB_BOOT_MODULES
  initial_ram_fs inner-initrd /lab-image/inner-init.sh $LAB_INNER_MODULES
}
qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([^ ]*\).*/\1/p' >/boot/qemu-version

mkdir -p /vfleet /script /run /out /opt/node/bin
rm -rf "$work" /lab-image
