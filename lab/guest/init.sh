#!/bin/sh
# First program of a lab machine, in its initial RAM file system: lays a writable layer over the image, mounts what the
# host shares, and goes on in start.sh of the project, so that a change there needs no new image.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s
for module in virtio_pci virtio_blk squashfs overlay 9pnet_virtio 9p virtio_console; do modprobe "$module"; done

mkdir -p /ro /rw /new
mount -t tmpfs -o size=75% rw /rw
mkdir /rw/upper /rw/work
tries=0
while [ ! -b /dev/vda ] && [ "$tries" -lt 100 ]; do
  sleep 0.05
  tries=$((tries + 1))
done
mount -t squashfs -o ro /dev/vda /ro
mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work root /new
for folder in proc sys dev; do mount --move "/$folder" "/new/$folder"; done
mount -t tmpfs -o mode=1777 tmp /new/tmp
mount -t tmpfs run /new/run
mkdir -p /new/dev/pts /new/dev/shm /new/run/lab
mount -t devpts -o gid=5,mode=620 pts /new/dev/pts
mount -t tmpfs -o mode=1777 shm /new/dev/shm
mount -t debugfs debugfs /new/sys/kernel/debug

# Each share that the host gives is mounted on the folder of its tag: vfleet on /vfleet, run on /run/lab, ...
for file in /new/sys/bus/virtio/drivers/9pnet_virtio/virtio*/mount_tag; do
  tag=$(tr -d '\000' <"$file")
  case $tag in
    run) folder=/new/run/lab ;;
    *) folder=/new/$tag ;;
  esac
  mkdir -p "$folder"
  mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,cache=loose" "$tag" "$folder"
done
exec switch_root /new /bin/bash /run/lab/start.sh
