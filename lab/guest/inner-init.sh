#!/bin/sh
# placeholder until the inner guest is built
exec /bin/busybox sh
