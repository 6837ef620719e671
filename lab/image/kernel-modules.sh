#!/bin/sh
# Runs inside a second Debian root that has a compiler: builds the modules that Debian's kernel lacks, from Debian's own
# source of that kernel, into /lab-modules.
set -eu
release=$(ls /usr/lib/modules 2>/dev/null | head -n 1)
[ -n "$release" ] || release=$(ls /usr/src | sed -n 's/^linux-headers-\(.*-amd64\)$/\1/p' | head -n 1)
headers=/usr/src/linux-headers-$release
work=$(mktemp -d)
cd "$work"
source=$(ls /usr/src/linux-source-*.tar.xz)
tar -xJf "$source" --strip-components=1 --wildcards '*/drivers/net/netdevsim'
# With vmlinux there the module would get BTF, for which pahole is needed.
[ ! -e "$headers/vmlinux" ] || mv "$headers/vmlinux" "$headers/vmlinux.aside"
make -s -C "$headers" M="$work/drivers/net/netdevsim" CONFIG_NETDEVSIM=m modules
mkdir -p /lab-modules
cp drivers/net/netdevsim/netdevsim.ko /lab-modules/
strip --strip-debug /lab-modules/*.ko
printf '%s\n' "$release" >/lab-modules/release
