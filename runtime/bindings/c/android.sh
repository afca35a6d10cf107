#!/usr/bin/env bash
# Builds the C library for Android: OUT/jniLibs/arm64-v8a/libredpoll_c.so and OUT/include/redpoll.h. android.sh OUT [API]
# ANDROID_NDK_HOME is the NDK's folder. Needs `rustup target add aarch64-linux-android`, or REDPOLL_BUILD_STD=1 and a
# compiler with the sources of its standard library. API: the least level, 24 (Android 7) unless said.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: android.sh OUT [API]" >&2; exit 2; }
[ -n "${ANDROID_NDK_HOME:-}" ] || { echo "android.sh: ANDROID_NDK_HOME must name the NDK's folder" >&2; exit 2; }
mkdir -p "$1"
out=$(realpath "$1") api=${2:-24}
cd "$(dirname "$0")/../../.."
tools=("$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin)
clang=${tools[0]}/aarch64-linux-android$api-clang
[ -x "$clang" ] || { echo "android.sh: no $clang" >&2; exit 2; }
std=()
[ -z "${REDPOLL_BUILD_STD:-}" ] || std=(-Zbuild-std=std,panic_unwind)
# Pages of 16 KB, which Google Play asks of 64-bit apps.
export CARGO_TARGET_AARCH64_LINUX_ANDROID_LINKER=$clang
export CARGO_TARGET_AARCH64_LINUX_ANDROID_RUSTFLAGS="-C link-arg=-Wl,-z,max-page-size=16384 -C link-arg=-Wl,-soname,libredpoll_c.so"
cargo build --locked --release "${std[@]}" --target aarch64-linux-android -p redpoll-c
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
mkdir -p "$out/jniLibs/arm64-v8a" "$out/include"
cp "$target/aarch64-linux-android/release/libredpoll_c.so" "$out/jniLibs/arm64-v8a/"
cp runtime/bindings/c/include/redpoll.h "$out/include/"
echo "$out: jniLibs/arm64-v8a/libredpoll_c.so ($(wc -c <"$out/jniLibs/arm64-v8a/libredpoll_c.so") bytes), include/redpoll.h"
