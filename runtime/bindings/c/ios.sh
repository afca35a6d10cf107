#!/usr/bin/env bash
# Builds the C library for iOS on a Mac with Xcode: OUT/Redpoll.xcframework, for devices and the simulator of Macs with Apple's chips.
# ios.sh OUT. Needs `rustup target add aarch64-apple-ios aarch64-apple-ios-sim`. In Swift: `import Redpoll`.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: ios.sh OUT" >&2; exit 2; }
command -v xcodebuild >/dev/null || { echo "ios.sh: no xcodebuild: it comes with Xcode, on a Mac" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
cp runtime/bindings/c/include/redpoll.h "$headers/"
printf 'module Redpoll {\n    header "redpoll.h"\n    export *\n}\n' >"$headers/module.modulemap"
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
libraries=()
for triple in aarch64-apple-ios aarch64-apple-ios-sim; do
    # The archive only: an app links it, nothing is linked here.
    cargo rustc --locked --release --target "$triple" -p redpoll-c --crate-type staticlib
    libraries+=(-library "$target/$triple/release/libredpoll_c.a" -headers "$headers")
done
rm -rf "$out/Redpoll.xcframework"
xcodebuild -create-xcframework "${libraries[@]}" -output "$out/Redpoll.xcframework"
