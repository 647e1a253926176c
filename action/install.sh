#!/usr/bin/env bash
# Downloads the released binary for this machine, checks its sum, and puts it on the path. Compiles nothing.
#
# Reads IN_VERSION, IN_RELEASES and IN_SHA256 (may be empty), and what the runner sets: RUNNER_OS, RUNNER_ARCH,
# RUNNER_TEMP, GITHUB_PATH and GITHUB_OUTPUT. Outside a runner the machine is asked and nothing is announced.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

fail() {
  echo "::error title=x402-assay::$1"
  exit 2
}

[ -n "${IN_VERSION:-}" ] || fail "no version: set the input version"
[[ "$IN_VERSION" =~ ^[0-9]+\.[0-9]+\.[0-9]+([.-][0-9A-Za-z.-]+)?$ ]] || fail "the input version is no version"
[[ -z "${IN_SHA256:-}" || "$IN_SHA256" =~ ^[0-9A-Fa-f]{64}$ ]] || fail "the input sha256 is no SHA-256: 64 hex digits"

case "${RUNNER_OS:-$(uname -s)}/${RUNNER_ARCH:-$(uname -m)}" in
  Linux/X64 | Linux/x86_64) target=x86_64-unknown-linux-gnu ;;
  Linux/ARM64 | Linux/aarch64 | Linux/arm64) target=aarch64-unknown-linux-gnu ;;
  macOS/X64 | Darwin/x86_64) target=x86_64-apple-darwin ;;
  macOS/ARM64 | Darwin/arm64) target=aarch64-apple-darwin ;;
  Windows/X64 | MINGW64*/x86_64 | MSYS*/x86_64) target=x86_64-pc-windows-msvc ;;
  *) fail "there is no binary for ${RUNNER_OS:-$(uname -s)} on ${RUNNER_ARCH:-$(uname -m)}" ;;
esac

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

get() {
  curl --fail --silent --show-error --location --proto '=https,http,file' \
    --retry 3 --connect-timeout 20 --max-time 300 --output "$2" "$1" || fail "cannot download $1"
}

archive="x402-assay-$IN_VERSION-$target.tar.gz"
from="${IN_RELEASES%/}/v$IN_VERSION"
home="$(mktemp -d "$(shellwise "${RUNNER_TEMP:-${TMPDIR:-/tmp}}")/x402-assay-XXXXXX")"

get "$from/$archive" "$home/$archive"
sum="$(sum_of "$home/$archive")"
if [ -n "${IN_SHA256:-}" ]; then
  wanted="$(tr 'A-F' 'a-f' <<< "$IN_SHA256")"
else
  get "$from/SHA256SUMS" "$home/SHA256SUMS"
  wanted="$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1; exit }' "$home/SHA256SUMS")"
  [ -n "$wanted" ] || fail "$from/SHA256SUMS does not name $archive"
fi
# Nothing of the archive is looked at before this holds.
[ "$sum" = "$wanted" ] || fail "$archive is not what was released: its SHA-256 is $sum, not $wanted"

tar -xzf "$home/$archive" -C "$home"
case "$target" in
  *-windows-*) binary="$home/x402-assay.exe" ;;
  *) binary="$home/x402-assay" ;;
esac
[ -x "$binary" ] || fail "$archive holds no x402-assay"
said="$("$binary" --version)" || fail "$binary does not run here"
[ "$said" = "x402-assay $IN_VERSION" ] || fail "$archive holds $said"

echo "$said in $home"
if [ -n "${GITHUB_PATH:-}" ]; then native "$home" >> "$GITHUB_PATH"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "binary=$(native "$binary")" >> "$GITHUB_OUTPUT"; fi
