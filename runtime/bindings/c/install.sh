#!/usr/bin/env bash
# Builds the C library and installs library, header and pkg-config file: install.sh PREFIX [cargo profile]
set -euo pipefail
mkdir -p "${1:?usage: install.sh PREFIX [cargo profile]}"
prefix=$(cd "$1" && pwd)
profile=${2:-release}
cd "$(dirname "$0")/../../.."

cargo build --locked --profile "$profile" -p redpoll-c
[ "$profile" = dev ] && profile=debug
built=${CARGO_TARGET_DIR:-target}/$profile
mkdir -p "$prefix/lib/pkgconfig" "$prefix/include"
for library in libredpoll_c.a libredpoll_c.so libredpoll_c.dylib; do
    [ -e "$built/$library" ] && cp "$built/$library" "$prefix/lib/"
done
cp runtime/bindings/c/include/redpoll.h "$prefix/include/"
version=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"name":"redpoll-c","version":"\([^"]*\)".*/\1/')
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" runtime/bindings/c/redpoll.pc.in >"$prefix/lib/pkgconfig/redpoll.pc"
echo "installed in $prefix"
