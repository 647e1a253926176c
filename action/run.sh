#!/usr/bin/env bash
# Runs the bench for the action: summary, annotations and outputs from what it wrote; ends with its exit code.
#
# Reads IN_BINARY, IN_MODE, IN_SERVER, IN_FACILITATOR, IN_LAUNCH, IN_ARGS (one a line), IN_OUT, IN_WORKING_DIRECTORY,
# IN_SUMMARY and IN_ANNOTATIONS, and what the runner sets: GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_ENV.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

fail() {
  echo "::error title=x402-assay::$1"
  exit 2
}

output() {
  if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "$1=$2" >> "$GITHUB_OUTPUT"; fi
}

cd "${IN_WORKING_DIRECTORY:-.}" || fail "the input working-directory is no folder"

case "${IN_MODE:-run}" in
  up)
    # A target that is started afterwards finds the addresses in its environment, and so does the next run.
    addresses="$(mktemp "$(shellwise "${RUNNER_TEMP:-${TMPDIR:-/tmp}}")/x402-assay-env-XXXXXX")"
    "$IN_BINARY" up --detach --wait --env-file "$(native "$addresses")" || fail "facilitator and chain did not start"
    if [ -n "${GITHUB_ENV:-}" ]; then cat "$addresses" >> "$GITHUB_ENV"; fi
    output exit-code 0
    exit 0
    ;;
  run) ;;
  *) fail "the input mode is run, up or install" ;;
esac

# Without a target the bench tests its own server: green, and nothing was shown.
[ -n "${IN_SERVER:-}${IN_FACILITATOR:-}" ] || fail "no target: set the input server or facilitator"

out="${IN_OUT:-x402-assay-report}"
arguments=(run --out "$out")
if [ -n "${IN_SERVER:-}" ]; then arguments+=(--server "$IN_SERVER"); fi
if [ -n "${IN_FACILITATOR:-}" ]; then arguments+=(--facilitator "$IN_FACILITATOR"); fi
if [ -n "${IN_LAUNCH:-}" ]; then arguments+=(--launch "$IN_LAUNCH"); fi
while IFS= read -r argument || [ -n "$argument" ]; do
  argument="${argument%$'\r'}"
  if [ -n "$argument" ]; then arguments+=("$argument"); fi
done <<< "${IN_ARGS:-}"

# What an earlier step left must not be taken for this run's.
rm -f "$out/report.json" "$out/report.md"

# What is printed may hold text of the target: until the token comes again the runner reads no commands in it.
token="x402-assay-$RANDOM$RANDOM$RANDOM$RANDOM"
echo "::stop-commands::$token"
code=0
"$IN_BINARY" "${arguments[@]}" || code=$?
echo "::$token::"
output exit-code "$code"

if [ -s "$out/report.json" ]; then
  output verdict "$(sed -n 's/^  "verdict": "\([a-z]*\)",$/\1/p' "$out/report.json" | head -n 1)"
  output report "$(native "$(cd "$out" && pwd)")"
  if [ "${IN_ANNOTATIONS:-true}" = true ]; then
    env -u X402_ASSAY_OUT "$IN_BINARY" report "$out/report.json" --format github
  fi
  if [ "${IN_SUMMARY:-true}" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat "$out/report.md" >> "$GITHUB_STEP_SUMMARY"
  fi
else
  echo "::error title=x402-assay::exit code $code, and no report was written: see the log of this step"
fi
exit "$code"
